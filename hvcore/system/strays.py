"""Processes that a killed manager's start left running outside everything that an instance is known by."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator

from hvcore.system.processes import open_pidfd, send_signal, wait_pidfds

__all__ = ["end_until_none", "mounts_below_root", "other_processes"]

_END_TIMEOUT_S = 10.0


def other_processes() -> Iterator[tuple[int, list[str], dict[str, str]]]:
    """Yield every other process: its pid, its command line and its environment, both empty where they cannot be read."""
    import psutil

    # One that ends meanwhile, or is another user's, answers None and is none of ours.
    for process in psutil.process_iter(["cmdline", "environ"]):
        words: list[str] = process.info["cmdline"] or [""]
        environment: dict[str, str] = process.info["environ"] or {}
        if process.pid != os.getpid():
            yield process.pid, words, environment


def mounts_below_root(words: list[str], root: str) -> bool:
    """Tell whether a command is mount(8), or one of its helpers, with a target at or below a root."""
    is_mount = os.path.basename(words[0]).startswith("mount")
    return is_mount and any(word == root or word.startswith(f"{root}/") for word in words[1:])


def end_until_none(find: Callable[[], Iterable[int]], patience_s: float = 0.0) -> None:
    """End processes again and again until none is found: one may fork while it is being looked at.

    Args:
        find: returns the pids that are to end.
        patience_s: seconds in which they may end by themselves.
    """
    patient_until = time.monotonic() + patience_s
    deadline = patient_until + _END_TIMEOUT_S
    while (pids := tuple(find())) and time.monotonic() < deadline:
        for pid in pids:
            _end(pid, find, max(patient_until - time.monotonic(), 0.0))


def _end(pid: int, find: Callable[[], Iterable[int]], patience_s: float) -> None:
    pidfd = open_pidfd(pid)
    if pidfd is None:
        return
    try:
        # The number may have been recycled before the descriptor was opened; what is found now was not.
        if not wait_pidfds([pidfd], patience_s) and pid in find():
            send_signal(pidfd, signal.SIGKILL)
            wait_pidfds([pidfd], _END_TIMEOUT_S)
    finally:
        os.close(pidfd)
