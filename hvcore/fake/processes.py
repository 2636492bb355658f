"""Find and end the commands that run in fake instances, by the marks in their environment."""

from __future__ import annotations

import os
import time
from pathlib import Path

from hvcore.errors import OperationFailed
from hvcore.system.processes import open_pidfd, process_name, send_signal, wait_pidfds

__all__ = ["end_commands", "end_marked", "mark_of"]

_DIRECTORY = "HVCORE_INSTANCE_DIR"
_KILL = 9
_PATIENCE_S = 10.0


def mark_of(directory: Path) -> str:
    """Return the mark of an instance: its directory by its one real name, however the state directory was spelt."""
    return f"{_DIRECTORY}={os.path.realpath(directory)}"


def end_commands(directory: Path) -> None:
    """End every command that still runs in an instance, and wait until all are gone.

    Args:
        directory: the instance's directory.

    Raises:
        OperationFailed: one cannot be ended.
    """
    end_marked(mark_of(directory))


def end_marked(mark: str) -> None:
    """End every process that has a mark in its environment, and wait until all are gone; never the caller itself.

    Args:
        mark: a variable with its value, as in ``NAME=value``.

    Raises:
        OperationFailed: one cannot be ended, such as one that waits inside the kernel.
    """
    wanted = os.fsencode(mark)
    deadline = time.monotonic() + _PATIENCE_S
    # A command may start another while it is looked at, so it takes a look that finds none.
    while pids := _marked(wanted):
        if time.monotonic() >= deadline:
            raise OperationFailed(
                "commands that run in the instance cannot be ended",
                details=[f"process {pid} ({process_name(pid) or 'gone'})" for pid in pids],
                resolution="find out what they wait for and try again",
            )
        _end(pids, wanted, deadline)


def _end(pids: list[int], wanted: bytes, deadline: float) -> None:
    descriptors: list[int] = []
    try:
        for pid in pids:
            descriptor = open_pidfd(pid)
            if descriptor is None:
                continue
            descriptors.append(descriptor)
            # Only now is the number sure to be that of the same process.
            if _is_marked(pid, wanted):
                send_signal(descriptor, _KILL)
        for descriptor in descriptors:
            wait_pidfds([descriptor], max(0.0, deadline - time.monotonic()))
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _marked(wanted: bytes) -> list[int]:
    own = os.getpid()
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if pid != own and _is_marked(pid, wanted)]


def _is_marked(pid: int, wanted: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return wanted in file.read().split(b"\0")
    except OSError:
        # It has ended, or is another user's and thus none that this user's instance has started.
        return False
