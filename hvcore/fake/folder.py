"""The folder that commands of a fake instance run in."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from hvcore.errors import DeviceBusy
from hvcore.fake.processes import end_commands
from hvcore.system.mountinfo import mounts_below, read_mounts

__all__ = ["make_folder", "remove_folder"]

_OLD = ".removed"


def make_folder(root: Path) -> None:
    """Make the folder, unless it is there."""
    root.mkdir(mode=0o750, exist_ok=True)


def remove_folder(root: Path) -> None:
    """End the commands that run in the folder and remove it with all that is in it; idempotent, also after half of it.

    Raises:
        DeviceBusy: something is mounted in it; it is not followed.
        OperationFailed: a command cannot be ended.
        OSError: something in it cannot be removed.
    """
    old = root.with_name(root.name + _OLD)
    if root.exists():
        if old.exists():
            _empty(old)
        # Under another name no command can enter it any more, so those that are found now are all there will be.
        root.rename(old)
    end_commands(root.parent)
    if old.exists():
        _empty(old)


def _empty(folder: Path) -> None:
    import shutil

    mounts = mounts_below(read_mounts(), os.path.realpath(folder))
    if mounts:
        points = [mount.mount_point for mount in mounts]
        raise DeviceBusy(
            f"something is mounted at {points[0]}, inside the instance's folder",
            details=[f"mounted: {point}" for point in points],
            resolution=f"unmount it first: umount {points[0]}",
        )
    try:
        shutil.rmtree(folder)
    except PermissionError:
        _unlock(folder)
        shutil.rmtree(folder)


def _unlock(folder: Path) -> None:
    """Give its owner the right to empty every directory that a command has closed, as ``chmod 500`` does."""
    pending = [folder]
    while pending:
        directory = pending.pop()
        os.chmod(directory, stat.S_IRWXU)
        pending += [Path(entry.path) for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False)]
