"""End every process of a cgroup at once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Sequence

from hvcore.errors import OperationFailed
from hvcore.system.cgroup_freezer import thaw_descendants
from hvcore.system.cgroup_layout import CgroupLayout
from hvcore.system.cgroup_tree import (
    event_value,
    group_directories,
    pids_below,
    remaining_s,
    wait_for_event,
)
from hvcore.system.kernel_files import write_if_present
from hvcore.system.process_end import describe_process
from hvcore.system.processes import open_pidfd, send_signal, wait_pidfds

__all__ = ["kill_group"]

# Descriptors are scarce: more processes than this are ended as well, only not held and watched at the same time.
_HELD_AT_ONCE = 256


def kill_group(layout: CgroupLayout, relative: str, timeout_s: float = 10.0) -> None:
    """Send SIGKILL to every process of a cgroup and of its sub-cgroups, and wait until all are gone.

    Frozen processes are sent the signal first and thawed then, so that none of them runs another instruction. A cgroup
    that does not exist has no processes, and that is success.

    Args:
        layout: the machine's layout.
        relative: the cgroup's path below the root of every hierarchy.
        timeout_s: seconds to wait at most.

    Raises:
        InvalidInput: the path names the root, or climbs.
        OperationFailed: processes are left when the time is up; the details name them.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst, ``cgroup.kill``, and cgroup-v1/freezer-subsystem.rst.
    """
    deadline = time.monotonic() + timeout_s
    directories = group_directories(layout, relative)
    hold = False
    while True:
        for directory in directories:
            # One write reaches all, those that are being forked included; Linux before 5.14 and version 1 lack it.
            write_if_present(f"{directory}/cgroup.kill", "1")
        pids = pids_below(directories)
        if not pids or (hold and remaining_s(deadline) <= 0):
            break
        _kill_round(layout, relative, directories, pids, hold, deadline)
        # Whoever is left after a round was forked during it. From now on nobody may fork while the others are killed.
        hold = True
    if pids or not _are_released(directories, deadline):
        raise OperationFailed(
            f"processes of cgroup {relative} did not end within {timeout_s:g} s",
            details=[describe_process(pid) for pid in sorted(pids)]
            or ["a process that this pid namespace does not show"],
            resolution="a process waits inside the kernel, often for storage or a network file system; try again later",
        )


def _kill_round(
    layout: CgroupLayout, relative: str, directories: Sequence[str], pids: Iterable[int], hold: bool, deadline: float
) -> None:
    """Kill the processes that are listed now and wait for the first of them."""
    freezer = layout.directory("freezer", relative)
    if hold and freezer is not None:
        write_if_present(f"{freezer}/freezer.state", "FROZEN")
        pids = pids_below(directories)
    waiting = sorted(pids)
    held: list[int] = []
    try:
        try:
            for start in range(0, len(waiting), _HELD_AT_ONCE):
                opened = _kill(waiting[start : start + _HELD_AT_ONCE], directories)
                if start == 0:
                    held = opened
                else:
                    _close(opened)
        finally:
            # A task that the version 1 freezer holds does not see the signal; thawed now, it sees that before all else.
            thaw_descendants(layout, relative)
        alive = set(held)
        while alive and remaining_s(deadline) > 0:
            alive -= set(wait_pidfds(alive, remaining_s(deadline)))
    finally:
        _close(held)


def _kill(pids: Sequence[int], directories: Sequence[str]) -> list[int]:
    """Send SIGKILL to some processes and return their descriptors, which the caller closes."""
    opened: dict[int, int] = {}
    try:
        for pid in pids:
            if (descriptor := open_pidfd(pid)) is not None:
                opened[pid] = descriptor
        # An id may have been recycled before its descriptor was opened; one that is listed now was not.
        members = pids_below(directories)
        for pid, descriptor in opened.items():
            if pid in members:
                send_signal(descriptor, signal.SIGKILL)
    except BaseException:
        _close(opened.values())
        raise
    for pid in opened.keys() - members:
        os.close(opened.pop(pid))
    return list(opened.values())


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _are_released(directories: Iterable[str], deadline: float) -> bool:
    """Wait until the last dying process has given up what it held, where the kernel tells (version 2)."""
    return all(
        wait_for_event(directory, "populated", "0", deadline)
        for directory in directories
        if event_value(directory, "populated") is not None
    )
