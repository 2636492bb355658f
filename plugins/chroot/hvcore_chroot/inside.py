"""The kernel's own file systems inside an instance's root: proc, sys, dev and devpts."""

from __future__ import annotations

import os
import stat

from attrs import frozen

from hvcore.errors import OperationFailed
from hvcore.system.mountinfo import mounts_below, read_mounts
from hvcore.system.root_mounts import MountAction, make_mount_point

__all__ = ["SystemMounts"]

_KINDS = {
    "proc": ("proc", "/proc", ("nosuid", "nodev", "noexec")),
    # A guest has nothing to set there, and what it sets counts for the whole node.
    "sys": ("sysfs", "/sys", ("ro", "nosuid", "nodev", "noexec")),
    "dev": ("tmpfs", "/dev", ("nosuid", "mode=755")),
    "devpts": ("devpts", "/dev/pts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=620", "gid=5")),
}
_POINTS = ("/proc", "/sys", "/dev")
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
_LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
_DEVICE_MODE = 0o666
_DIRECTORIES = {"pts": 0o755, "shm": 0o1777}


@frozen
class SystemMounts:
    """What is mounted inside one instance's root before its script runs.

    Attributes:
        wanted: names out of proc, sys, dev and devpts, in their order.
        root: the directory at which the root appears.
    """

    wanted: tuple[str, ...]
    root: str

    def plan(self) -> tuple[MountAction, ...]:
        """Return the mounts in order."""
        return tuple(
            MountAction(name, f"{self.root}{_KINDS[name][1]}", _KINDS[name][0], "ro" in _KINDS[name][2])
            for name in self.wanted
        )

    def mount(self) -> None:
        """Mount them.

        Raises:
            OperationFailed: a mount point leads elsewhere or cannot be made, or the kernel refused.
        """
        from hvcore.system.mounts import mount_virtual

        for name in self.wanted:
            fs_type, point, options = _KINDS[name]
            target = f"{self.root}{point}"
            try:
                make_mount_point(self.root, target)
                mount_virtual(fs_type, target, options)
                if name == "dev":
                    _fill(target)
            except OperationFailed as error:
                error.resolution = (
                    f"{error.resolution or 'look into the kernel log'}; or leave {name} out of parameter system_mounts"
                )
                raise

    def unmount(self) -> None:
        """Unmount them and whatever was mounted on them since, deepest first; idempotent.

        Raises:
            DeviceBusy: something still uses a mount; the error names the processes.
        """
        from hvcore.system.mounts import unmount_tree

        for point in _POINTS:
            # Only what is there: the guest may have put a link in the place of a directory that nothing is mounted on.
            if mounts_below(read_mounts(), self.root + point):
                unmount_tree(self.root + point)


def _fill(directory: str) -> None:
    """Make the devices that a guest may have without harm to the node.

    Source: LXC and systemd-nspawn make the same; pts(4) on the link ptmx.
    """
    for name, mode in _DIRECTORIES.items():
        os.mkdir(f"{directory}/{name}")
        os.chmod(f"{directory}/{name}", mode)
    for name, target in _LINKS.items():
        os.symlink(target, f"{directory}/{name}")
    for name, (major, minor) in _DEVICES.items():
        path = f"{directory}/{name}"
        try:
            os.mknod(path, stat.S_IFCHR | _DEVICE_MODE, os.makedev(major, minor))
            os.chmod(path, _DEVICE_MODE)
        except OSError as error:
            raise OperationFailed(
                f"the device {path} cannot be made: {error.strerror}", resolution="it takes CAP_MKNOD"
            ) from error
