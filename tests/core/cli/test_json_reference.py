"""The page about the JSON names exactly the keys that ``hv`` prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import fields

from hvcore.cli.verbs import VERBS
from hvcore.errors import CommandFailed, HypervisorError, InvalidInput
from hvcore.model.console import ConsoleKind, InstanceConsole
from hvcore.model.lint import LintFinding, Severity, Translation
from hvcore.model.plan import Change, ChangePlan, Effect
from hvcore.model.plugins import BrokenPlugin, InstalledPlugin, PluginReport
from hvcore.model.recovery import Recovery, RecoveryReport
from hvcore.model.stats import NicStats
from hvcore.plugin import BaseHypervisor, hookimpl

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/cli-json.md"
MAPPINGS = {"documents", "versions"}
"""Keys whose object has keys of the user's or the hypervisor's own."""


def documented() -> dict[str, set[str]]:
    """The keys of each section, by the verbs in its title."""
    sections: dict[str, set[str]] = {}
    title = ""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
            sections[title] = set()
        elif found := re.match(r"\| `([^`]+)` \| [^|]+ \| [^|]+ \|$", line):
            assert found[1] not in sections[title], f"twice: {line}"
            sections[title].add(found[1])
    return sections


def keys_in(value: Any, path: str = "") -> Iterator[str]:
    """The dotted keys of a JSON value."""
    if isinstance(value, dict):
        for key, item in value.items():
            name = "*" if path.rpartition(".")[2] in MAPPINGS else key
            yield from keys_in(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        yield from (key for item in value for key in keys_in(item, f"{path}[]" if path else ""))
    elif path:
        yield path


def section_of(verb: str) -> set[str]:
    return next(keys for title, keys in documented().items() if verb in title.split(", "))


def matches(printed: Any, keys: set[str]) -> None:
    """Whether every printed key is documented, and every documented one printed, but for lists that may be empty."""
    found = set(keys_in(printed))
    assert found <= keys | {key.removesuffix("[]") for key in keys}
    missing = {key for key in keys if key not in found and key.removesuffix("[]") not in found}
    assert {key for key in missing if "[]" not in key} == set()


def test_every_verb_but_the_tour_has_a_section() -> None:
    titled = {verb for title in documented() for verb in title.split(", ")}
    assert titled == {*VERBS} - {"demo"} | {"When a verb fails", "plan --diff", "lint --translate"}


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("info", "web1"),
        ("console", "web1"),
        ("exec", "web1", "--", "true"),
        ("verify",),
        ("node",),
        ("node", "-H", "fake"),
        ("hooks",),
        ("hooks", "start_instance"),
        ("plugins",),
        ("recover",),
        ("completion", "bash"),
        ("balloon", "web1", "32"),
    ],
)
def test_what_is_printed_is_documented(hv: Any, started: Any, words: tuple[str, ...]) -> None:
    started()
    printed = hv("--json", *words).json
    matches(printed, section_of(words[0]))
    if words[0] == "hooks":
        assert set(keys_in(printed)) == section_of("hooks")


def test_other_life_cycle_verbs_have_no_memory(hv: Any, started: Any) -> None:
    started()
    for verb in ("pause", "resume", "reboot", "stop", "cleanup"):
        assert set(keys_in(hv(verb, "web1", "--json").json)) == section_of(verb) - {"memory_mib"}


def test_statistics_are_documented(hv: Any, started: Any) -> None:
    started()
    one = hv("stats", "web1", "--json").json
    nic = dict.fromkeys((key.removeprefix("nics[].") for key in section_of("stats") if "[]" in key), 0)
    assert set(nic) == {field.name for field in fields(NicStats)}
    printed = set(keys_in({**one, "nics": [nic]}))
    resources = {re.sub("^pressure[.](cpu|memory|io)[.]", "pressure.RESOURCE.", key) for key in printed}
    assert resources == section_of("stats") - {"block_io", "pressure"}
    watched = json.loads(hv("stats", "--watch", "--count", "2", "--interval", "0.01", "--json").out.splitlines()[1])
    assert all(f"`{key}`" in PAGE.read_text("utf-8") for key in watched["rates"])


def test_events_are_documented(hv: Any, started: Any) -> None:
    started()
    lines = hv("events", "--kept", "--no-wait", "--json").out.splitlines()
    assert [set(json.loads(line)) for line in lines] == [section_of("events")] * 2


def test_a_plan_is_documented(hv: Any, instance_file: Any) -> None:
    printed = hv("plan", "--json", instance_file(parameters="refuses_shutdown = true")).json
    assert set(keys_in(printed)) == section_of("plan")


def test_a_comparison_is_documented() -> None:
    plan = ChangePlan("fake", "web1", (Change("tags", "", "x", Effect.RESTART, "how"),), {"/x": "-a"})
    assert set(keys_in(_json(plan.to_dict()))) == section_of("plan --diff")


def test_findings_are_documented(hv: Any, only: Any, tmp_path: Path) -> None:
    class Linting(BaseHypervisor):
        @hookimpl
        def lint_configuration(self, text: str, path: str) -> tuple[LintFinding, ...]:
            return (LintFinding("rule", Severity.ERROR, "wrong", path),)

        @hookimpl
        def translate_configuration(self, text: str, path: str) -> Translation:
            return Translation(text, self.lint_configuration(text, path))

    only(linting=Linting)
    (tmp_path / "x.conf").write_text("")
    assert set(keys_in(hv("lint", str(tmp_path / "x.conf"), "--json").json)) == section_of("lint")
    printed = hv("lint", "--translate", str(tmp_path / "x.conf"), "--json").json
    assert set(keys_in(printed)) == section_of("lint --translate")


def test_files_are_documented(hv: Any, only: Any) -> None:
    class Filed(BaseHypervisor):
        ANCILLARY_FILES = frozenset({"/etc/passwd"})

    only(filed=Filed)
    assert set(keys_in(hv("files", "--json").json)) == section_of("files")


def test_values_that_are_rare_are_documented() -> None:
    installed = InstalledPlugin("g", "n", "d", "s", ("h",), "", "1.0", ("o",), ("j",), ("n",))
    report = PluginReport((installed,), (installed,), (BrokenPlugin("g", "n", "d", "r", "w", "t"),))
    assert set(keys_in(_json(report.to_dict()))) == section_of("plugins")
    recovery = RecoveryReport("fake", (Recovery("web1", "half", ("a",), ("b",)),))
    assert set(keys_in(_json([recovery.to_dict()]))) == section_of("recover")
    console = InstanceConsole("web1", ConsoleKind.SSH, host="h", user="u", command=("c",))
    assert set(keys_in(console.to_dict())) == section_of("console")


def test_what_is_told_of_packages_is_documented(hv: Any, tmp_path: Path) -> None:
    made = hv("new-plugin", "hvcore-x", "--kind", "extension", "--directory", str(tmp_path / "x"), "--json")
    assert set(keys_in(made.json)) == section_of("new-plugin")
    (tmp_path / "x" / "pyproject.toml").write_text(
        '[project]\nname = "hvcore-x"\n[project.entry-points."hvcore.all"]\n'
        'x = "hvcore_x.extension:extension"\ny = "gone:y"\n'
    )
    assert set(keys_in(hv("check-plugin", str(tmp_path / "x"), "--json").json)) == section_of("check-plugin")


def test_errors_are_documented() -> None:
    context: dict[str, Any] = {"details": ["a"], "undone": ["b"], "left_behind": ["c"]}
    errors = (
        HypervisorError("m", **context),
        InvalidInput("m", **context),
        CommandFailed("m", command=["x"], **context),
    )
    found = {key for error in errors for key in keys_in({"error": error.to_dict()})}
    assert found == section_of("When a verb fails")


def _json(value: Any) -> Any:
    return json.loads(json.dumps(value))
