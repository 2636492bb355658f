"""Ending whoever bears a mark in its environment, and nobody else."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from hvcore.system import marked
from hvcore.system.marked import end_marked
from hvcore.system.process_usage import is_dead

MARK = "HVCORE_TEST_MARK"


@pytest.fixture
def start() -> Iterator[type[subprocess.Popen[bytes]]]:
    with ExitStack() as stack:

        class Started(subprocess.Popen[bytes]):
            def __init__(self, value: str) -> None:
                super().__init__(["sleep", "600"], env={MARK: value})
                stack.callback(self.wait)
                stack.callback(self.kill)

        yield Started


def test_only_bearers_are_ended(start: type[subprocess.Popen[bytes]]) -> None:
    bearer, other = start("one"), start("onetwo")  # type: ignore[arg-type]

    def alive() -> list[int]:
        return [process.pid for process in (bearer, other) if not is_dead(process.pid)]

    assert end_marked(alive, f"{MARK}=one") == ()
    assert bearer.wait() == -signal.SIGKILL
    assert other.poll() is None


def test_those_that_do_not_end_are_told(start: type[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    bearer = start("one")  # type: ignore[arg-type]
    monkeypatch.setattr(marked, "send_signal", lambda *_: True)
    monkeypatch.setattr(marked, "_END_TIMEOUT_S", 0.05)
    assert end_marked(lambda: [bearer.pid], f"{MARK}=one") == (f"process {bearer.pid}",)


def test_a_recycled_number_is_never_hit(start: type[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first look the number was the bearer's; when its descriptor was opened, somebody else had it."""
    other = start("somebody-else")  # type: ignore[arg-type]
    looks = iter([True, False])
    monkeypatch.setattr(marked, "_bears", lambda *_: next(looks, False))
    monkeypatch.setattr(marked, "_END_TIMEOUT_S", 0.05)
    end_marked(lambda: [other.pid], f"{MARK}=one")
    assert other.poll() is None
