"""Guests that end by themselves: waking up when one does, and what LXC and the kernel say of why."""

from __future__ import annotations

import os
import re
import signal
import time

from hvcore.model.event import EventReason, GuestEnd
from hvcore.system.cgroup_tree import group_directories
from hvcore.system.guest_watch import GuestWatch
from hvcore.system.oom import was_killed_for_memory
from hvcore.system.processes import open_pidfd, process_start_time
from hvcore_lxc.container import Container

__all__ = ["end_in_log", "find_end", "watch"]

# LXC 4 to 6, src/lxc/error.c: lxc_error_set_and_log
_ENDED = re.compile(r"Child <(\d+)> ended on (?:signal [^\n]*\((\d+)\)|error \((\d+)\))")
_PATIENCE_S = 10.0
_LOOK_S = 0.002


def watch(container: Container) -> GuestWatch | None:
    """Watch over a container's init; None when the container does not run.

    A guest that reboots itself is given time to come up again.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while container.is_alive_or_rebooting() and time.monotonic() < deadline:
        pid = container.find_init()
        pidfd = None if pid is None else open_pidfd(pid)
        if pid is not None and pidfd is not None:
            # Its number may have been recycled before the descriptor was opened.
            if container.find_init() == pid:
                return GuestWatch([pidfd], run=f"{pid}:{process_start_time(pid)}")
            os.close(pidfd)
        time.sleep(_LOOK_S)
    return None


def find_end(container: Container) -> GuestEnd | None:
    """Say how a container's guest has ended; None when it runs or is about to come up again.

    LXC's monitor writes the end into its log, and removes the cgroups afterwards; it says nothing of an end with status 0.
    Where it was killed itself, nobody knows.
    """
    if container.is_alive_or_rebooting():
        return None
    try:
        text = container.paths.lxc_log(container.name).read_text("utf-8", "replace")
    except OSError:
        return GuestEnd(EventReason.UNKNOWN)
    told = end_in_log(text)
    if told is None:
        left = group_directories(container.layout, container.paths.container_group(container.name))
        return GuestEnd(EventReason.UNKNOWN if left else EventReason.CLEAN)
    pid, end = told
    is_killed = end == GuestEnd(EventReason.SIGNAL, signal.SIGKILL)
    if is_killed and was_killed_for_memory(pid, _started_s(container)):
        return GuestEnd(EventReason.OUT_OF_MEMORY, signal.SIGKILL)
    return end


def end_in_log(text: str) -> tuple[int, GuestEnd] | None:
    """Return the pid of the last init of which LXC's log says how it ended, and how; None where it says nothing.

    Source: reboot(2): in a pid namespace, a power-off ends the init by SIGINT, a restart by SIGHUP.
    """
    matches = _ENDED.findall(text)
    if not matches:
        return None
    pid, number, status = matches[-1]
    if status:
        return int(pid), GuestEnd(EventReason.EXIT_STATUS, int(status))
    if int(number) in {signal.SIGINT, signal.SIGHUP}:
        return int(pid), GuestEnd(EventReason.CLEAN)
    return int(pid), GuestEnd(EventReason.SIGNAL, int(number))


def _started_s(container: Container) -> float:
    """When the container was started, in the time of the kernel's log; 0 when that is lost."""
    try:
        written_s = container.paths.lxc_log(container.name).stat().st_ctime
        begun_s = container.paths.init_pid(container.name).stat().st_mtime
    except OSError:
        return 0.0
    age_s = time.time() - min(begun_s, written_s)
    return max(time.clock_gettime(time.CLOCK_MONOTONIC) - age_s - 1.0, 0.0)
