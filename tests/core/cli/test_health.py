"""``verify``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hvcore.model.parameters import ParameterValue
from hvcore.model.verify import Finding, VerifyReport
from hvcore.plugin import BaseHypervisor, hookimpl


class Healthy(BaseHypervisor):
    @hookimpl
    def verify(self, parameters: Mapping[str, ParameterValue] | None) -> VerifyReport:
        return VerifyReport(self.context.name, [Finding("tool", True, "5.0")])


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
    assert hv("verify").out.splitlines() == [
        "a: healthy",
        "  ok  tool: 5.0",
        "b: unhealthy",
        "  not ok  cgroup: memory is missing",
        "          what to do: mount it",
        "c: undetected",
        "  not ok  tool: not found",
        "          what to do: install it",
        "d: failed",
        "  d does not support verify",
        "  what to do: 'hv hooks verify' shows who could answer it",
    ]


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
        "error": None,
    }
    assert (failed["status"], failed["findings"], failed["error"]["code"]) == ("failed", [], "unsupported")


def test_the_embedded_hypervisor_is_healthy(hv: Any) -> None:
    outcome = hv("verify")
    assert outcome.status == 0
    assert outcome.out.startswith("fake: healthy\n")
