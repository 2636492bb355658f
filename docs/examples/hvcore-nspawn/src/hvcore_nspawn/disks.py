"""Mounting an instance's disks where systemd-nspawn finds them.

systemd-nspawn itself takes images only on a node with udev, so that every kind of disk is mounted here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from attrs import frozen

from hvcore import BlockDevice
from hvcore.errors import InvalidInput, OperationFailed
from hvcore.system import attach_image, bind_mount, mount_device, unmount_tree
from hvcore_nspawn.places import Places

__all__ = ["Disks"]

_KINDS = {stat.S_IFDIR: "directory", stat.S_IFBLK: "block", stat.S_IFREG: "image"}


@frozen
class Disks:
    """The disks of one instance.

    Attributes:
        name: the instance's name.
        block_devices: one per disk; the first is the root.
        places: where they are mounted.
    """

    name: str
    block_devices: tuple[BlockDevice, ...]
    places: Places

    def plan(self) -> tuple[str, ...]:
        """Return the mounts as lines.

        Raises:
            InvalidInput: there is no root.
            OperationFailed: a disk is not there, or is not what the definition says.
        """
        if not self.block_devices:
            raise InvalidInput(f"{self.name} has no disk to be its root", key="disks", allowed="at least one [[disks]]")
        return tuple(f"{kind} {device.path} on {target}" for device, target, kind in self._each())

    def mount(self) -> None:
        """Mount all disks; may stop half way, ``unmount`` is called then."""
        for device, target, kind in self._each():
            os.makedirs(target, mode=0o755, exist_ok=True)
            if kind == "directory":
                bind_mount(os.path.realpath(device.path), target, device.disk.read_only)
            else:
                mount = mount_device if kind == "block" else attach_image
                mount(device.path, target, None, ("ro",) if device.disk.read_only else ())

    def unmount(self) -> None:
        """Take off everything that is mounted below the instance's directory; idempotent."""
        directory = self.places.instance_dir(self.name)
        unmount_tree(str(directory))
        for target in directory.glob("disk-*"):
            target.rmdir()

    def _each(self) -> Iterator[tuple[BlockDevice, str, str]]:
        for index, device in enumerate(self.block_devices):
            yield device, str(self.places.disk(self.name, index)), _kind(device)


def _kind(device: BlockDevice) -> str:
    """Return what lies at a disk's path: directory, block or image."""
    try:
        kind = _KINDS.get(stat.S_IFMT(os.stat(device.path).st_mode))
    except OSError as error:
        raise OperationFailed(
            f"{device.path} cannot be used as a disk: {error.strerror}", resolution="check the path under [[disks]]"
        ) from error
    if kind is None or device.disk.kind not in {None, kind}:
        raise OperationFailed(
            f"{device.path} is not a {device.disk.kind or 'disk'}", resolution="check path and kind under [[disks]]"
        )
    return kind
