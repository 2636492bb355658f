"""What processes use, summed up."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from hvcore.system import process_usage
from hvcore.system.process_usage import ProcessUsage, is_dead, usage_of

Start = Callable[..., "subprocess.Popen[bytes]"]
STAT = "{pid} (a) b (c) {state} 1 1 1 0 -1 4194560 100 0 0 0 {times} 20 0 {threads} 0 5 1000000 {pages} 18446744073709551615"


@pytest.fixture
def stats(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    texts: dict[str, str | None] = {}
    monkeypatch.setattr(process_usage, "read_text", texts.get)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_CLK_TCK": 100}.__getitem__)
    return texts


def stat(pid: int, times: str = "0 0 0 0", pages: int = 0, state: str = "S", threads: int = 1) -> dict[str, str]:
    return {f"/proc/{pid}/stat": STAT.format(pid=pid, state=state, times=times, threads=threads, pages=pages)}


def test_times_and_memory_are_added_up(stats: dict[str, str | None]) -> None:
    stats.update(stat(1, "100 20 3 7", 256) | stat(2, "50 0 0 0", 511))
    assert usage_of([1, 2]) == ProcessUsage(2, 2, 1.8, 767 * 4096, 1.53, 2)


def test_one_that_has_ended_is_left_out(stats: dict[str, str | None]) -> None:
    stats.update(stat(1, "100 0 0 0", 256))
    assert usage_of([1, 2]) == ProcessUsage(1, 1, 1.0, 1048576, 1.0, 1)
    assert usage_of([]) == ProcessUsage(0, 0, 0.0)


@pytest.mark.parametrize(
    ("state", "threads", "dead"), [("S", 1, False), ("D", 1, False), ("Z", 1, True), ("X", 1, True), ("Z", 3, False)]
)
def test_dead_is_who_runs_no_more(stats: dict[str, str | None], state: str, threads: int, dead: bool) -> None:
    stats.update(stat(1, state=state, threads=threads))
    assert is_dead(1) is dead


def test_who_is_not_there_is_dead(stats: dict[str, str | None]) -> None:
    assert is_dead(1)


def test_a_real_process(start: Start, until: Any) -> None:
    process = start("cat")
    until(lambda: usage_of([process.pid]).processes == 1)
    assert not is_dead(process.pid)
    own = usage_of([os.getpid()])
    assert own.memory_mib > 5
    assert own.cpu_seconds > 0
    process.kill()
    until(lambda: is_dead(process.pid))
