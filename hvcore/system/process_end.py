"""End processes that are found again and again: each is signalled once, through a descriptor that no other process gets."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

from hvcore.system.kernel_files import read_text
from hvcore.system.processes import open_pidfd, process_name, process_start_time, send_signal, wait_pidfds

__all__ = ["describe_process", "signal_until_none"]

# Descriptors are scarce: more processes than this are signalled as well, only not watched at the same time.
_HELD_AT_ONCE = 256
_LOOK_S = 0.05


def signal_until_none(find: Callable[[], Iterable[int]], signal_number: int, timeout_s: float) -> tuple[int, ...]:
    """Send a signal to each process that is found, those that appear meanwhile too, and wait until none is found.

    A process gets the signal once. One whose number was recycled between the finding and the sending is never hit: the
    descriptor is opened first, and the number must be found again afterwards.

    Args:
        find: returns the pids that are to end.
        signal_number: the signal.
        timeout_s: seconds to wait at most.

    Returns:
        Those that are left when the time is up, sorted; empty when none is.
    """
    deadline = time.monotonic() + timeout_s
    held: dict[tuple[int, int | None], int] = {}
    done: set[tuple[int, int | None]] = set()
    try:
        while pids := sorted(find()):
            held |= _signal(pids, find, signal_number, done)
            for key in [*held][_HELD_AT_ONCE:]:
                os.close(held.pop(key))
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return tuple(sorted(find()))
            ended = wait_pidfds(held.values(), min(left_s, _LOOK_S)) if held else ()
            for key in [key for key, pidfd in held.items() if pidfd in ended]:
                os.close(held.pop(key))
            if not held and not ended:
                time.sleep(min(left_s, _LOOK_S))
    finally:
        for pidfd in held.values():
            os.close(pidfd)
    return ()


def describe_process(pid: int) -> str:
    """Return a process as a phrase: its number, its name and its state."""
    stat = read_text(f"/proc/{pid}/stat") or ""
    state = stat[stat.rfind(")") + 2 :][:1] or "?"
    return f"process {pid} ({process_name(pid)}) is in state {state}"


def _signal(
    pids: Iterable[int], find: Callable[[], Iterable[int]], signal_number: int, done: set[tuple[int, int | None]]
) -> dict[tuple[int, int | None], int]:
    """Signal those that were not signalled yet; returns their descriptors, which the caller closes."""
    opened: dict[tuple[int, int | None], int] = {}
    try:
        for pid in pids:
            if (pid, process_start_time(pid)) not in done and len(opened) < _HELD_AT_ONCE:
                pidfd = open_pidfd(pid)
                if pidfd is not None:
                    opened[pid, process_start_time(pid)] = pidfd
        members = frozenset(find()) if opened else frozenset[int]()
        done |= {key for key, pidfd in opened.items() if key[0] in members and send_signal(pidfd, signal_number)}
    except BaseException:
        for pidfd in opened.values():
            os.close(pidfd)
        raise
    for key in opened.keys() - done:
        os.close(opened.pop(key))
    return opened
