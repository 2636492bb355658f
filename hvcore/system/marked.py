"""End the processes that bear a mark in their environment, which children inherit: a command and all that it started."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from hvcore.system.processes import open_pidfd, send_signal, wait_pidfds

__all__ = ["end_marked"]

_END_TIMEOUT_S = 2.0


def end_marked(find: Callable[[], Iterable[int]], mark: str) -> tuple[str, ...]:
    """End whoever bears the mark, again and again: a process may fork while it is being looked at.

    Args:
        find: returns the pids among which to look.
        mark: the variable assignment.

    Returns:
        Those that could not be ended in time, as phrases; frozen ones die only when they are thawed.
    """
    deadline = time.monotonic() + _END_TIMEOUT_S
    while bearers := [pid for pid in find() if _bears(pid, mark)]:
        pidfds: list[int] = []
        try:
            for pid in bearers:
                pidfd = open_pidfd(pid)
                if pidfd is not None:
                    pidfds.append(pidfd)
                    # The number may have been recycled before the descriptor was opened.
                    if _bears(pid, mark):
                        send_signal(pidfd, signal.SIGKILL)
            wait_pidfds(pidfds, deadline - time.monotonic())
        finally:
            for pidfd in pidfds:
                os.close(pidfd)
        if time.monotonic() >= deadline:
            return tuple(f"process {pid}" for pid in bearers)
    return ()


def _bears(pid: int, mark: str) -> bool:
    """Tell whether a process has the mark in its environment, or among its words as lxc-attach has before its exec."""
    try:
        words = [Path(f"/proc/{pid}/{file}").read_bytes() for file in ("environ", "cmdline")]
    except OSError:
        return False
    return any(word.removeprefix(b"--set-var=") == mark.encode() for text in words for word in text.split(b"\0"))
