"""``plan`` tells everything and does nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hvcore.cli.plan import render_changes, render_plan
from hvcore.model.plan import Change, ChangePlan, Effect, PlanStep, StartPlan
from hvcore.plugin import BaseHypervisor, hookimpl

PLAN = StartPlan(
    "fake",
    "web1",
    (PlanStep("mount", "mount the root", ("a on b",)), PlanStep("boot", "start \x07 it")),
    {"/run/config": "one\ntwo\x1b\n"},
    ("no NIC",),
)


def test_a_plan_in_lines() -> None:
    assert render_plan(PLAN, colour=False).split("\n") == [
        "fake would start web1 in 2 steps:",
        "  1. mount: mount the root",
        "       a on b",
        "  2. boot: start \\x07 it",
        "/run/config:",
        "  | one",
        "  | two\\x1b",
        "warning: no NIC",
    ]
    assert "\x1b[1mmount\x1b[0m" in render_plan(PLAN, colour=True)


def test_a_plan_changes_nothing(hv: Any, instance_file: Any, environment: Path) -> None:
    outcome = hv("plan", instance_file(), "--paused")
    assert outcome.status == 0
    assert outcome.out.startswith("fake would start web1 in ")
    assert "paused: yes" in outcome.out
    assert "warning: " not in outcome.out
    assert not (environment / "state").exists()


def test_a_plan_in_json(hv: Any, instance_file: Any) -> None:
    plan = hv("plan", "--json", instance_file(parameters="refuses_shutdown = true")).json
    assert list(plan) == ["hypervisor", "instance", "steps", "documents", "warnings"]
    assert (plan["hypervisor"], plan["instance"]) == ("fake", "web1")
    assert [list(step) for step in plan["steps"]] == [["name", "summary", "details"]] * len(plan["steps"])
    assert all(isinstance(text, str) for text in plan["documents"].values())
    assert any("refuses_shutdown" in warning for warning in plan["warnings"])


def test_a_plan_with_the_hypervisor_as_an_option(hv: Any, instance_file: Any) -> None:
    assert hv("plan", "-H", "fake", instance_file(head="")).status == 0


CHANGES = ChangePlan(
    "fake",
    "web1",
    (
        Change("backend.memory_mib", "64", "96", Effect.LIVE, "hv balloon web1 96"),
        Change("nics[0]", "", "{}", Effect.RESTART, "hv stop web1"),
    ),
    {"/run/config": "-a\x1b\n+b\n"},
)


def test_changes_in_lines() -> None:
    assert render_changes(CHANGES, colour=False).split("\n") == [
        "the file would change 2 things of web1, which runs:",
        "  live     backend.memory_mib: 64 -> 96",
        "           by: hv balloon web1 96",
        "  restart  nics[0]: nothing -> {}",
        "           by: hv stop web1",
        "/run/config:",
        "  | -a\\x1b",
        "  | +b",
        "a restart is needed",
    ]
    nothing = render_changes(ChangePlan("fake", "web1"), colour=True)
    assert nothing == "web1 runs on fake as the file says: nothing would change"


def test_a_comparison(hv: Any, only: Any, tmp_path: Path) -> None:
    class Changing(BaseHypervisor):
        @hookimpl
        def plan_change(self, instance: Any, block_devices: Any) -> ChangePlan:
            return CHANGES

    only(changing=Changing)
    file = tmp_path / "web1.toml"
    file.write_text('name = "web1"\nhypervisor = "changing"\n')
    outcome = hv("plan", "--diff", str(file))
    assert outcome.status == 0
    assert "a restart is needed" in outcome.out
    assert hv("plan", "--diff", "--json", str(file)).json == CHANGES.to_dict()


def test_a_comparison_of_the_embedded_hypervisor(hv: Any, instance_file: Any, started: Any) -> None:
    assert hv("plan", "--diff", instance_file()).status == 4
    started()
    assert "nothing would change" in hv("plan", "--diff", instance_file()).out
    hv("balloon", "web1", "32")
    (change,) = hv("plan", "--diff", instance_file(), "--json").json["changes"]
    assert (change["key"], change["before"], change["effect"]) == ("backend.memory_mib", "32", "live")


def test_a_comparison_that_nobody_makes(hv: Any, only: Any, tmp_path: Path) -> None:
    only(mute=BaseHypervisor)
    (tmp_path / "x.toml").write_text('name = "web1"\nhypervisor = "mute"\n')
    assert hv("plan", "--diff", str(tmp_path / "x.toml")).status == 3
