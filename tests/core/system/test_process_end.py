"""Ending processes that are found again and again: each once, and never one that has only got the number."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.system import process_end
from hvcore.system.process_end import describe_process, signal_until_none
from hvcore.system.process_usage import is_dead

Start = Callable[..., "subprocess.Popen[bytes]"]


class Alive:
    """Those of some processes that have not ended."""

    def __init__(self, *processes: subprocess.Popen[bytes]) -> None:
        self.processes = list(processes)

    def __call__(self) -> list[int]:
        return [process.pid for process in self.processes if not is_dead(process.pid)]


def test_all_get_the_signal_and_are_waited_for(start: Start) -> None:
    processes = [start("cat") for _ in range(3)]
    assert signal_until_none(Alive(*processes), signal.SIGTERM, 20) == ()
    assert [process.wait() for process in processes] == [-signal.SIGTERM] * 3


def test_nothing_found_is_no_wait() -> None:
    assert signal_until_none(lambda: (), signal.SIGTERM, 1000) == ()


def test_one_that_ignores_it_is_returned_and_was_asked_once(start: Start, tmp_path: Path, until: Any) -> None:
    script = (
        "import signal, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: open({str(tmp_path / 'asked')!r}, 'a').write('x'))\n"
        f"open({str(tmp_path / 'ready')!r}, 'w').close()\n"
        "while True: time.sleep(60)\n"
    )
    deaf = start(python=script)
    until((tmp_path / "ready").exists)
    assert signal_until_none(Alive(deaf), signal.SIGTERM, 0.4) == (deaf.pid,)
    assert (tmp_path / "asked").read_text() == "x"
    assert signal_until_none(Alive(deaf), signal.SIGKILL, 20) == ()


def test_those_that_appear_meanwhile_get_it_too(start: Start) -> None:
    found = Alive(start("cat"))

    def find() -> list[int]:
        if len(found.processes) < 4:
            found.processes.append(start("cat"))
        return found()

    assert signal_until_none(find, signal.SIGKILL, 20) == ()
    assert [process.wait() for process in found.processes] == [-signal.SIGKILL] * 4


def test_a_recycled_number_is_never_hit(start: Start) -> None:
    """Between the finding and the opening, the number goes to a process that is nobody's to end."""
    bystander = start("cat")
    answers = iter([[bystander.pid]])

    def find() -> list[int]:
        # The guest's process had the number at the first look; at the second nothing of the guest has it.
        return next(answers, [])

    assert signal_until_none(find, signal.SIGKILL, 20) == ()
    assert bystander.poll() is None


def test_a_number_recycled_before_the_sending_is_never_hit(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that was opened has ended, and its number is a new member's: only the dead one is addressed."""
    dead, bystander = start("cat"), start("cat")
    sent: list[int] = []
    descriptors: dict[int, int] = {}

    def open_first(pid: int) -> int | None:
        descriptor = process_end_open(dead.pid)
        assert descriptor is not None
        descriptors[descriptor] = pid
        dead.kill()
        dead.wait()
        return descriptor

    process_end_open = process_end.open_pidfd
    process_end_send = process_end.send_signal

    def send(descriptor: int, number: int) -> bool:
        delivered = process_end_send(descriptor, number)
        sent.append(int(delivered))
        return delivered

    monkeypatch.setattr(process_end, "open_pidfd", open_first)
    monkeypatch.setattr(process_end, "send_signal", send)
    answers = iter([[bystander.pid], [bystander.pid]])
    assert signal_until_none(lambda: next(answers, []), signal.SIGKILL, 20) == ()
    assert sent == [0]
    assert bystander.poll() is None


def test_descriptors_are_not_used_up(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_end, "_HELD_AT_ONCE", 2)
    processes = [start("cat") for _ in range(7)]
    assert signal_until_none(Alive(*processes), signal.SIGTERM, 20) == ()
    assert [process.wait() for process in processes] == [-signal.SIGTERM] * 7


def test_descriptors_are_closed(start: Start) -> None:
    import os

    deaf = start("cat")
    before = os.listdir("/proc/self/fd")
    assert signal_until_none(Alive(deaf), signal.SIGWINCH, 0.1) == (deaf.pid,)
    assert os.listdir("/proc/self/fd") == before


def test_a_process_as_a_phrase(start: Start, until: Any) -> None:
    process = start("cat")
    until(lambda: describe_process(process.pid) == f"process {process.pid} (cat) is in state S")
    process.kill()
    process.wait()
    assert describe_process(process.pid) == f"process {process.pid} (None) is in state ?"
