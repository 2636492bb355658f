"""``recover``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import OperationFailed
from hvcore.model.recovery import Recovery, RecoveryReport
from hvcore.plugin import BaseHypervisor, hookimpl


class Stuck(BaseHypervisor):
    @hookimpl
    def recover(self, instance_name: str | None) -> RecoveryReport:
        return RecoveryReport("stuck", (Recovery("web1", "half a start", ("unmount",), ("loop device",)),))


class Sick(BaseHypervisor):
    @hookimpl
    def recover(self, instance_name: str | None) -> RecoveryReport:
        raise OperationFailed("it is sick")


@pytest.fixture
def half_done(environment: Path, instance_file: Any) -> str:
    """An instance whose manager was killed in the middle of a start."""
    file = instance_file(parameters="start_delay_s = 3600")
    journal = environment / "state" / "fake" / "web1" / "journal"
    with subprocess.Popen([sys.executable, "-m", "hvcore.cli.main", "start", file]) as process:
        while "boot" not in (journal.read_text() if journal.exists() else ""):
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
    return "web1"


def test_nothing_to_do(hv: Any) -> None:
    assert hv("recover").out == "nothing was left half done\n"
    assert hv("recover", "--json").json == [{"hypervisor": "fake", "recoveries": []}]


@pytest.mark.parametrize("words", [(), ("web1",), ("-H", "fake"), ("-H", "fake", "web1")])
def test_half_a_start_is_undone(hv: Any, half_done: str, environment: Path, words: tuple[str, ...]) -> None:
    outcome = hv("recover", *words)
    assert outcome.status == 0
    assert outcome.out.startswith("web1 (fake): a start that was not finished\n  done: boot\n")
    assert not (environment / "state" / "fake" / half_done).exists()


def test_a_recovery_in_json(hv: Any, half_done: str) -> None:
    [report] = hv("recover", "--json").json
    [recovery] = report["recoveries"]
    assert list(recovery) == ["instance", "found", "done", "left_behind"]
    assert (report["hypervisor"], recovery["instance"], recovery["left_behind"]) == ("fake", "web1", [])


def test_what_is_left_behind_is_a_failure(hv: Any, only: Any) -> None:
    only(stuck=Stuck)
    outcome = hv("recover")
    assert outcome.status == 1
    assert outcome.out == "web1 (stuck): half a start\n  done: unmount\n  left behind: loop device\n"


def test_a_hypervisor_that_fails_does_not_keep_the_others(hv: Any, only: Any) -> None:
    only(sick=Sick, stuck=Stuck)
    outcome = hv("recover")
    assert outcome.status == 1
    assert "sick cannot recover: it is sick" in outcome.err
    assert "web1 (stuck)" in outcome.out


def test_an_unknown_instance(hv: Any) -> None:
    assert hv("recover", "nosuch").status == 4
    assert hv("recover", "-H", "fake", "nosuch").out == "nothing was left half done\n"
