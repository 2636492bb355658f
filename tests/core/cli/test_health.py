"""``verify``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import OperationFailed
from hvcore.model.capability import Capability, Support
from hvcore.model.parameters import ParameterValue
from hvcore.model.verify import Finding, VerifyReport
from hvcore.plugin import BaseHypervisor, hookimpl


class Healthy(BaseHypervisor):
    @hookimpl
    def verify(self, parameters: Mapping[str, ParameterValue] | None) -> VerifyReport:
        return VerifyReport(self.context.name, [Finding("tool", True, "5.0"), Finding("other one", True, "fine")])


class Unhealthy(BaseHypervisor):
    @hookimpl
    def verify(self, parameters: Mapping[str, ParameterValue] | None) -> VerifyReport:
        return VerifyReport(self.context.name, [Finding("cgroup", False, "memory is missing", "mount it")])


class Absent(BaseHypervisor):
    @hookimpl
    def verify(self, parameters: Mapping[str, ParameterValue] | None) -> VerifyReport:
        return VerifyReport(self.context.name, [Finding("tool", False, "not found", "install it", essential=True)])


class Mute(BaseHypervisor):
    """Cannot verify anything."""


@pytest.mark.parametrize(
    ("drivers", "words", "status"),
    [
        ({"a": Healthy}, (), 0),
        ({"a": Healthy, "b": Absent}, (), 0),
        ({"a": Healthy, "b": Absent}, ("-H", "a"), 0),
        ({"a": Healthy, "b": Absent}, ("-H", "b"), 1),
        ({"a": Healthy, "b": Unhealthy}, (), 1),
        ({"a": Healthy, "b": Unhealthy}, ("-H", "a"), 0),
        ({"a": Healthy, "b": Unhealthy}, ("-H", "b"), 1),
        ({"a": Healthy, "b": Mute}, (), 1),
        ({"b": Mute}, ("-H", "b"), 3),
        ({}, (), 0),
    ],
)
def test_exit_status(hv: Any, only: Any, drivers: Any, words: tuple[str, ...], status: int) -> None:
    only(**drivers)
    assert hv("verify", *words).status == status


def test_findings_and_remedies_are_shown(hv: Any, only: Any) -> None:
    only(a=Healthy, b=Unhealthy, c=Absent, d=Mute)
    lines = hv("verify").out.splitlines()
    assert [line for line in lines if not is_about_operations(line)] == [
        "a: healthy",
        "  ok       tool       5.0",
        "  ok       other one  fine",
        "b: unhealthy",
        "  not ok   cgroup  memory is missing",
        "           what to do: mount it",
        "c: undetected",
        "  not ok   tool  not found",
        "           what to do: install it",
        "d: failed",
        "  d does not support verify",
        "  what to do: 'hv hooks verify' shows who could answer it",
    ]


def is_about_operations(line: str) -> bool:
    is_continued = line.startswith(" " * 11) and "what to do" not in line
    return "operations without limits" in line or "does not implement it" in line or is_continued


def test_verify_in_json(hv: Any, only: Any) -> None:
    only(b=Unhealthy, d=Mute)
    bad, failed = hv("verify", "--json").json
    assert bad == {
        "hypervisor": "b",
        "status": "unhealthy",
        "text": "memory is missing",
        "findings": [
            {"name": "cgroup", "ok": False, "detail": "memory is missing", "remedy": "mount it", "essential": False}
        ],
        "versions": {},
        "capabilities": bad["capabilities"],
        "error": None,
    }
    assert {"operation": "verify", "support": "yes", "reason": "", "remedy": ""} in bad["capabilities"]
    assert (failed["status"], failed["findings"], failed["error"]["code"]) == ("failed", [], "unsupported")


def test_the_embedded_hypervisor_is_healthy(hv: Any) -> None:
    outcome = hv("verify")
    assert outcome.status == 0
    assert outcome.out.startswith("fake: healthy (python 3.")


class Limited(Healthy):
    """A node lets it do less than it could."""

    @hookimpl
    def verify(self, parameters: Mapping[str, ParameterValue] | None) -> VerifyReport:
        return VerifyReport(self.context.name, (), {"tool": "5.0", "kernel": "6.1"})

    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        """Pause nothing."""

    @hookimpl
    def resume_instance(self, instance_name: str) -> None:
        """Resume nothing."""

    @hookimpl
    def capabilities(self) -> tuple[Capability, ...]:
        return (
            Capability("pause_instance", Support.NO, "no freezer", "boot with one"),
            Capability("resume_instance", Support.NO, "no freezer", "boot with one"),
            Capability("recover", Support.LIMITED, "not on Mondays"),
        )


class Confused(Healthy):
    """Cannot say what it can do."""

    @hookimpl
    def capabilities(self) -> tuple[Capability, ...]:
        raise OperationFailed("the node does not tell", resolution="ask again")


def test_what_is_limited_is_shown_with_its_reason(hv: Any, only: Any) -> None:
    only(a=Limited)
    outcome = hv("verify")
    assert outcome.status == 0
    head, summary, *lines = outcome.out.splitlines()
    assert head == "a: healthy (tool 5.0, kernel 6.1)"
    counted, _, total = summary.partition(" of ")
    assert lines[0] == "  limited  not on Mondays: recover"
    assert "  no       no freezer: pause_instance, resume_instance" in lines
    assert lines[lines.index("  no       no freezer: pause_instance, resume_instance") + 1] == (
        "           what to do: boot with one"
    )
    missing = ["a does not implement it", "start_instance", "migrate_instance"]
    assert all(word in outcome.out for word in missing)
    assert max(map(len, lines)) <= 110
    abilities = hv("verify", "--json").json[0]["capabilities"]
    assert sum(each["support"] == "yes" for each in abilities) == int(counted)
    assert total == f"{len(abilities)} operations without limits"
    assert {"operation": "recover", "support": "limited", "reason": "not on Mondays", "remedy": ""} in abilities


def test_a_hypervisor_that_cannot_say_what_it_can_do_has_failed(hv: Any, only: Any) -> None:
    only(a=Confused)
    outcome = hv("verify")
    assert outcome.status == 1
    assert outcome.out.splitlines()[0] == "a: failed"
    assert outcome.out.splitlines()[-2:] == ["  the node does not tell", "  what to do: ask again"]
    [report] = hv("verify", "--json").json
    assert (report["capabilities"], len(report["findings"]), report["error"]["code"]) == ([], 2, "operation")


def test_verify_makes_nothing(run_hv: Any, environment: Path) -> None:
    before = sorted(environment.rglob("*"))
    assert run_hv("verify").status == 0
    run_hv("verify", HVCORE_DISABLE="")
    assert sorted(environment.rglob("*")) == before


WATCHER = """
import os, sys
def refuse(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        if writes and path != "/dev/null" and not isinstance(path, int):
            raise AssertionError(f"{path} is opened to be written")
    elif event == "subprocess.Popen":
        assert arguments[1] == ["lxc-start", "--version"], arguments[1]
    elif event in {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.chown",
                   "os.truncate", "os.utime", "os.kill", "os.setxattr", "socket.connect", "socket.bind", "os.system"}:
        raise AssertionError(f"{event} {arguments}")
sys.dont_write_bytecode = True
sys.addaudithook(refuse)
from hvcore.cli.main import main
sys.exit(main(["verify", "--json"]))
"""


@pytest.mark.parametrize("disabled", ["lxc", ""])
def test_verify_has_no_side_effect(environment: Path, disabled: str) -> None:
    variables = {**os.environ, "HVCORE_DISABLE": disabled}
    command = [sys.executable, "-c", WATCHER]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60)
    reports = json.loads(done.stdout)
    assert [report["hypervisor"] for report in reports] == sorted({"chroot", "fake", "lxc"} - {disabled})
    assert [report["error"] for report in reports] == [None] * len(reports)
    assert "AssertionError" not in done.stdout + done.stderr
    assert sorted(environment.rglob("*")) == []
