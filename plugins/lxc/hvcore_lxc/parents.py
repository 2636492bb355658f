"""What all containers of a state directory share: the parents of their cgroups, and the directories of LXC's locks.

LXC makes them, and the last container's end removes them. A start must not lose one between two of LXC's mkdir calls, so
starts share a lock that the remover wants for itself. The lock is on the state directory: there is no file to leave behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hvcore.system.cgroup_layout import CgroupLayout
from hvcore_lxc.paths import LxcPaths

__all__ = ["parents_kept", "remove_parents"]

_LXC_LOCKS = "/run/lxc/lock"


@contextmanager
def parents_kept(paths: LxcPaths) -> Iterator[None]:
    """Keep others from removing the parents while LXC makes a container's cgroups below them."""
    import fcntl

    with _locked(str(paths.lxcpath), fcntl.LOCK_SH):
        yield


def remove_parents(paths: LxcPaths, layout: CgroupLayout) -> None:
    """Remove what is empty when nobody is starting a container; otherwise leave it to the next."""
    import fcntl

    with _locked(str(paths.lxcpath), fcntl.LOCK_EX | fcntl.LOCK_NB) as is_mine:
        if not is_mine:
            return
        for parent in (paths.container_parent, paths.pivot_group, paths.monitor_parent):
            for mount_point in layout.hierarchies:
                _remove(f"{mount_point}/{parent}")
        for directory in paths.lxc_lock("any").parents:
            # LXC makes one directory per component of its lxcpath; its own top stays.
            if str(directory) == _LXC_LOCKS or not _remove(str(directory)):
                break


def _remove(directory: str) -> bool:
    """Remove a directory that is empty; tells whether it is gone."""
    try:
        os.rmdir(directory)
    except FileNotFoundError:
        return True
    except OSError:
        # Another container uses it.
        return False
    return True


@contextmanager
def _locked(directory: str, mode: int) -> Iterator[bool]:
    """Hold a lock on a directory; yields False when it is held elsewhere."""
    import fcntl

    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield True
        return
    try:
        fcntl.flock(descriptor, mode)
    except BlockingIOError:
        os.close(descriptor)
        yield False
        return
    try:
        yield True
    finally:
        os.close(descriptor)
