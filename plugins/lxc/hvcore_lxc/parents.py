"""What all containers of a state directory share: the parents of their cgroups, and the directories of LXC's locks.

LXC makes the cgroups' parents, and the last container's end removes them. A start must not lose one between two of LXC's mkdir
calls, so starts share a lock that the remover wants for itself. The lock is on the state directory: there is no file to
leave behind.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hvcore.system.cgroup_layout import CgroupLayout
from hvcore_lxc.paths import LxcPaths

__all__ = ["parents_kept", "remove_parents"]

_LXC_LOCKS = "/run/lxc/lock"
_TRIES = 100
_PIVOT_TIMEOUT_S = 5.0


@contextmanager
def parents_kept(paths: LxcPaths, name: str) -> Generator[None]:
    """Keep others from removing what LXC needs while it makes a container.

    Args:
        paths: where instances keep what.
        name: the instance that is started.

    Raises:
        OSError: LXC's lock file cannot be made.
    """
    import fcntl

    _make_lock_file(paths.lxc_lock(name))
    with _locked(paths.lxcpath, fcntl.LOCK_SH):
        yield


def remove_parents(paths: LxcPaths, layout: CgroupLayout) -> None:
    """Remove what is empty when nobody is starting a container; otherwise leave it to that one's end."""
    import fcntl

    # Removers come one after the other: of two at once, the first may have looked before the second's container was gone.
    with _locked(paths.lxcpath.parent, fcntl.LOCK_EX), _locked(paths.lxcpath, fcntl.LOCK_EX | fcntl.LOCK_NB) as is_mine:
        if is_mine:
            _remove_groups(paths, layout)
    for directory in paths.lxc_lock("any").parents:
        # LXC makes one directory per component of its lxcpath; its own top stays.
        if str(directory) == _LXC_LOCKS or not _remove(str(directory)):
            break


def _remove_groups(paths: LxcPaths, layout: CgroupLayout) -> None:
    from hvcore.system.cgroups import group_directories, remove_group

    if any(_has_containers(directory) for directory in group_directories(layout, paths.monitor_parent)):
        # The last container's end finds them empty.
        return
    # A monitor moves here before it ends, which may be a moment after its container is gone.
    remove_group(layout, paths.pivot_group, _PIVOT_TIMEOUT_S)
    for parent in (paths.container_parent, paths.monitor_parent):
        for directory in group_directories(layout, parent):
            _remove(directory)


def _has_containers(directory: str) -> bool:
    try:
        return any(name.startswith("ct-") for name in os.listdir(directory))
    except FileNotFoundError:
        return False


def _make_lock_file(path: Path) -> None:
    """Make LXC's lock file for it: from then on, nobody can remove one of the directories as empty."""
    for left in reversed(range(_TRIES)):
        try:
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except FileNotFoundError:
            # Another state directory's last container ended between two of the calls.
            if not left:
                raise
        else:
            return


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
def _locked(directory: Path, mode: int) -> Generator[bool]:
    """Hold a lock on a directory; yields False when it is held elsewhere."""
    import fcntl

    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield True
        return
    try:
        try:
            fcntl.flock(descriptor, mode)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
