"""Find the processes whose root directory lies at or below a directory: what a chroot has of processes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from hvcore.system.mountinfo import path_components

__all__ = ["processes_below", "rooted_below"]

_DELETED = " (deleted)"


def processes_below(directory: str) -> tuple[int, ...]:
    """Return the processes of this mount namespace whose root lies at or below a directory, sorted.

    Judged by the components of the path, so ``inst1`` never has the processes of ``inst10``. Processes that went deeper with
    chroot(2) count.

    Args:
        directory: absolute and without symbolic links.
    """
    wanted = path_components(directory)
    return tuple(sorted(pid for pid, names in rooted_below(directory) if names[: len(wanted)] == wanted))


def rooted_below(directory: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield each process of this mount namespace whose root lies at or below a directory, with its root's components.

    One pass over /proc, however many roots there are below the directory. In another mount namespace the same path may
    be a different directory, so its processes are left out.

    Args:
        directory: absolute and without symbolic links.

    Source: proc(5), /proc/pid/root; namespaces(7), /proc/pid/ns.
    """
    prefix = directory.rstrip("/")
    own_namespace = os.readlink("/proc/self/ns/mnt")
    for pid in _pids(os.listdir("/proc")):
        # One that has ended, a kernel thread's and one that may not be looked at have no root to tell.
        root = _link(f"/proc/{pid}/root")
        if root is None or not root.startswith(prefix) or _link(f"/proc/{pid}/ns/mnt") != own_namespace:
            continue
        names = path_components(root.removesuffix(_DELETED))
        if names[: len(path_components(directory))] == path_components(directory):
            yield pid, names


def _pids(names: Iterable[str]) -> Iterator[int]:
    return (int(name) for name in names if name.isdigit())


def _link(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None
