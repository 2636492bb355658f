"""Find the directories and processes of a cgroup, all hierarchies and sub-cgroups included, and remove them."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator

from hvcore.errors import OperationFailed
from hvcore.system.cgroup_layout import CgroupLayout, group_path
from hvcore.system.kernel_files import read_pids, read_text
from hvcore.system.processes import open_pidfd, wait_pidfds

__all__ = [
    "event_value",
    "group_directories",
    "is_populated",
    "pids_below",
    "remaining_s",
    "remove_group",
    "subtree",
    "wait_for_event",
]

_POLL_START_S = 0.0005
_POLL_MOST_S = 0.02


def group_directories(layout: CgroupLayout, relative: str) -> tuple[str, ...]:
    """Return the directory of a cgroup in every hierarchy that has it.

    Args:
        layout: the machine's layout.
        relative: the cgroup's path below the root of every hierarchy.

    Returns:
        The directories, each hierarchy once, version 2 last; empty when there is no such cgroup.

    Raises:
        InvalidInput: the path names the root, or climbs.
    """
    candidates = (group_path(mount_point, relative) for mount_point in layout.hierarchies)
    return tuple(directory for directory in candidates if os.path.isdir(directory))


def is_populated(layout: CgroupLayout, relative: str) -> bool:
    """Return whether a process lives in a cgroup or in any of its sub-cgroups, in any hierarchy.

    A guest may move its processes to sub-cgroups, so an empty list at the top proves nothing on version 1.

    Raises:
        InvalidInput: the path names the root, or climbs.
        OperationFailed: a file of the cgroup cannot be read.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst: ``populated`` covers the descendants.
    """
    for directory in reversed(group_directories(layout, relative)):
        populated = event_value(directory, "populated")
        if populated == "1":
            return True
        if populated is None and any(_lists_process(path) for path in subtree(directory)):
            return True
    return False


def subtree(directory: str) -> Iterator[str]:
    """Yield a cgroup's directory and those of all its sub-cgroups, each parent before its children.

    Raises:
        OperationFailed: a directory exists and cannot be listed.
    """
    waiting = [directory]
    while waiting:
        path = waiting.pop()
        yield path
        try:
            with os.scandir(path) as entries:
                waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except (FileNotFoundError, NotADirectoryError):
            continue  # It was removed meanwhile, as sub-cgroups of a guest may be at any time.
        except OSError as error:
            raise OperationFailed(f"{path} cannot be listed: {error.strerror}") from error


def pids_below(directories: Iterable[str]) -> frozenset[int]:
    """Return the processes in some cgroups and in all their sub-cgroups."""
    return frozenset(
        pid for directory in directories for path in subtree(directory) for pid in read_pids(f"{path}/cgroup.procs")
    )


def remove_group(layout: CgroupLayout, relative: str, timeout_s: float = 5.0) -> tuple[str, ...]:
    """Remove a cgroup and its sub-cgroups from every hierarchy, the deepest first.

    Processes that are still in it are waited for, never ended.

    Args:
        layout: the machine's layout.
        relative: the cgroup's path below the root of every hierarchy.
        timeout_s: seconds to wait for its last processes in all.

    Returns:
        The directories that could not be removed; empty when nothing is left, or when there was nothing.

    Raises:
        InvalidInput: the path names the root, or climbs.
        OperationFailed: a file of the cgroup cannot be read.
    """
    deadline = time.monotonic() + timeout_s
    left: list[str] = []
    for directory in group_directories(layout, relative):
        left += _remove_tree(directory, deadline)
    return tuple(left)


def event_value(directory: str, key: str) -> str | None:
    """Return what ``cgroup.events`` says for a key; None on version 1 and when the cgroup is gone."""
    return _event(read_text(f"{directory}/cgroup.events") or "", key)


def wait_for_event(directory: str, key: str, value: str, deadline: float) -> bool:
    """Wait until ``cgroup.events`` of a version 2 cgroup shows a value for a key, woken by the kernel.

    Args:
        directory: the cgroup's directory.
        key: ``populated`` or ``frozen``.
        value: ``0`` or ``1``.
        deadline: the time of ``time.monotonic`` at which waiting ends.

    Returns:
        Whether the value was seen; True as well when the cgroup was removed, which needs no waiting for.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst: a change of the file generates a modified event (POLLPRI).
    """
    import select

    try:
        descriptor = os.open(f"{directory}/cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLPRI)
        while _event(os.pread(descriptor, 4096, 0).decode("ascii"), key) != value:
            seconds = remaining_s(deadline)
            if seconds <= 0:
                return False
            poller.poll(seconds * 1000 + 1)
    except OSError as error:
        if error.errno == errno.ENODEV:
            return True
        raise OperationFailed(f"{directory}/cgroup.events cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    return True


def remaining_s(deadline: float) -> float:
    """Return the seconds until a deadline of ``time.monotonic``, never less than 0."""
    return max(deadline - time.monotonic(), 0.0)


def _event(text: str, key: str) -> str | None:
    return next((line.split(" ")[1] for line in text.split("\n") if line.startswith(f"{key} ")), None)


def _lists_process(path: str) -> bool:
    """Whether a cgroup lists a process, one that this pid namespace does not see (0) included."""
    return bool((read_text(f"{path}/cgroup.procs") or "").strip())


def _remove_tree(directory: str, deadline: float) -> list[str]:
    pause_s = _POLL_START_S
    while True:
        results = {path: _remove_directory(path) for path in reversed(list(subtree(directory)))}
        left = [path for path, result in results.items() if result]
        if errno.EBUSY not in results.values() or remaining_s(deadline) <= 0:
            return left
        # A process may have come or gone in between, so every round starts from a fresh listing.
        if _wait_for_one(pids_below([directory]), deadline):
            continue
        if event_value(directory, "populated") == "1":
            wait_for_event(directory, "populated", "0", deadline)
            continue
        # Empty and busy all the same: the kernel takes a dead process out of its cgroup a moment after it announced the
        # end, and version 1 has nothing to wait on.
        time.sleep(min(pause_s, remaining_s(deadline)))
        pause_s = min(pause_s * 2, _POLL_MOST_S)


def _remove_directory(path: str) -> int:
    """Remove one directory; return 0 when it is gone, else the kernel's errno."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return 0
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _wait_for_one(pids: Iterable[int], deadline: float) -> bool:
    """Wait until one of the processes ends; return whether there was any to wait for."""
    for pid in pids:
        descriptor = open_pidfd(pid)
        if descriptor is not None:
            try:
                wait_pidfds([descriptor], remaining_s(deadline))
            finally:
                os.close(descriptor)
            return True
    return False
