"""``plan`` tells everything and does nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hvcore.cli.plan import render_plan
from hvcore.model.plan import PlanStep, StartPlan

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
