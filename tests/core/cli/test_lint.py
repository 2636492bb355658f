"""``lint``: a hypervisor's own configurations, instance files, and translations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import OperationFailed
from hvcore.model.lint import LintFinding, Severity, Translation
from hvcore.model.plan import StartPlan
from hvcore.plugin import BaseHypervisor, hookimpl


class Linting(BaseHypervisor):
    """Dislikes every line that says bad, and can translate old."""

    @hookimpl
    def lint_configuration(self, text: str, path: str) -> tuple[LintFinding, ...]:
        lines = enumerate(text.split("\n"), start=1)
        return tuple(
            LintFinding("bad", Severity.WARNING, "it is bad", path, number, 3, "key", line, "good")
            for number, line in lines
            if "bad" in line
        )

    @hookimpl
    def translate_configuration(self, text: str, path: str) -> Translation:
        lost = (LintFinding("no-equal", Severity.ERROR, "lost has no equal", path, 1),) if "lost" in text else ()
        return Translation(text.replace("old", "new"), lost)

    @hookimpl
    def plan_start(self, instance: Any, block_devices: Any, startup_paused: bool) -> StartPlan:
        if instance.disks:
            raise OperationFailed(f"there is no {instance.disks[0].path}", resolution="make it")
        return StartPlan("linting", instance.name, (), {"/run/config": "good\n" + "bad\n" * (instance.vcpus - 1)})


class Mute(BaseHypervisor):
    """Cannot lint."""


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(text: str | bytes, name: str = "x.conf") -> str:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(tmp_path / name)

    return write


@pytest.fixture(autouse=True)
def known(only: Any) -> None:
    only(linting=Linting, mute=Mute)


def test_nothing_wrong(hv: Any, file: Any) -> None:
    outcome = hv("lint", file("good\n"))
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.endswith("x.conf: nothing is wrong\n")


def test_findings_have_a_place_and_status_2(hv: Any, file: Any) -> None:
    path = file("good\nbad\n")
    outcome = hv("lint", path)
    assert outcome.status == 2
    assert outcome.out.splitlines() == [f"{path}:2:3: warning: it is bad; did you mean 'good'? [bad]", "1 finding"]


def test_findings_in_json(hv: Any, file: Any) -> None:
    path = file(b"bad \xff\n")
    outcome = hv("lint", "--json", path)
    assert outcome.status == 2
    assert (outcome.json["file"], outcome.json["hypervisor"]) == (path, "linting")
    assert [finding["line"] for finding in outcome.json["findings"]] == [1]
    assert hv("lint", "--json", file("good")).json["findings"] == []


def test_a_translation_alone_is_on_stdout_to_the_byte(hv: Any, file: Any) -> None:
    outcome = hv("lint", "--translate", file("# old \r\n"))
    assert (outcome.status, outcome.out, outcome.err) == (0, "# new \r\n", "")


def test_what_has_no_equal_is_on_stderr(hv: Any, file: Any) -> None:
    outcome = hv("lint", "--translate", file("lost\n"))
    assert (outcome.status, outcome.out) == (2, "lost\n")
    assert "lost has no equal" in outcome.err


def test_a_file_that_cannot_be_read(hv: Any, file: Any, tmp_path: Path) -> None:
    for path in (tmp_path / "no.conf", tmp_path):
        outcome = hv("lint", str(path))
        assert outcome.status == 2
        assert "cannot read the configuration" in outcome.err
    assert "too large" in hv("lint", file("x" * (2**20 + 1))).err


def test_nobody_can_lint(hv: Any, file: Any, only: Any) -> None:
    assert hv("lint", "-H", "mute", file("")).status == 3
    only(mute=Mute)
    assert hv("lint", file("")).status == 3


def test_several_can_lint(hv: Any, file: Any, only: Any) -> None:
    only(linting=Linting, other=Linting)
    outcome = hv("lint", file("bad"))
    assert outcome.status == 2
    assert "-H NAME" in outcome.err
    assert hv("lint", "-H", "other", "--json", file("bad")).json["hypervisor"] == "other"


# -- instance files

HEAD = 'name = "web1"\nhypervisor = "linting"\n'


def instance(file: Any, text: str) -> str:
    return str(file(HEAD + text, "web1.toml"))


def test_an_instance_file_is_judged_by_the_configuration_that_it_becomes(hv: Any, file: Any) -> None:
    assert hv("lint", instance(file, "")).status == 0
    outcome = hv("lint", instance(file, "[backend]\nvcpus = 2\n"))
    assert outcome.status == 2
    assert outcome.out.startswith("/run/config:2:3: warning: it is bad")


def test_a_fault_of_the_instance_file_itself(hv: Any, file: Any) -> None:
    path = instance(file, "[backend]\nvcpu = 2\n")
    outcome = hv("lint", path, "--json")
    assert outcome.status == 2
    (finding,) = outcome.json["findings"]
    assert (finding["rule"], finding["file"], finding["line"]) == ("input", path, 4)
    assert (finding["key"], finding["suggestion"]) == ("backend.vcpu", "vcpus")


def test_an_unknown_parameter(hv: Any, file: Any) -> None:
    (finding,) = hv("lint", instance(file, "[parameters]\nzebra = 2\n"), "--json").json["findings"]
    assert (finding["rule"], finding["line"], finding["key"]) == ("input.parameter", 4, "zebra")


def test_a_disk_that_is_not_there(hv: Any, file: Any) -> None:
    (finding,) = hv("lint", instance(file, '[[disks]]\npath = "/no/disk"\n'), "--json").json["findings"]
    assert (finding["rule"], finding["line"], finding["key"]) == ("operation", 4, "disks[0].path")


def test_an_instance_file_has_nothing_to_translate(hv: Any, file: Any) -> None:
    assert hv("lint", "--translate", instance(file, "")).status == 2


def test_a_hypervisor_without_plans(hv: Any, file: Any) -> None:
    path = file('name = "web1"\nhypervisor = "mute"\n', "web1.toml")
    assert hv("lint", path).status == 0
    assert hv("lint", str(file('name = "web1"\n', "web2.toml")), "-H", "mute").status == 0
    outcome = hv("lint", str(file("", "web3.toml")))
    assert outcome.status == 2
    assert "name" in outcome.out
