"""Mounting an instance's disks at its root: what a mounter is, and the default one of every hypervisor that mounts them."""

from __future__ import annotations

import os
import stat
from typing import Protocol

from attrs import frozen

from hvcore.errors import InvalidInput, OperationFailed
from hvcore.model.disk import DiskKind
from hvcore.model.instance import BlockDevice, Instance

__all__ = ["DefaultMounter", "MountAction", "Mounter", "kind_of", "make_mount_point"]


@frozen
class MountAction:
    """One mount, as a plan shows it.

    Attributes:
        source: what is mounted.
        target: where, in the host's view.
        kind: directory, block or image, or a mounter's own word.
        read_only: whether it can only be read.
    """

    source: str
    target: str
    kind: str
    read_only: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.source} on {self.target}{' (read-only)' if self.read_only else ''}"


class Mounter(Protocol):
    """Mounts one instance's disks and unmounts them: always both, so that an override keeps them paired."""

    @property
    def name(self) -> str:
        """What plans call it."""
        ...

    def plan(self) -> tuple[MountAction, ...]:
        """Return the mounts in order, without touching anything."""
        ...

    def mount(self) -> None:
        """Mount the disks; may stop half way with an error, ``unmount`` is called then."""
        ...

    def unmount(self) -> None:
        """Unmount everything, guests' and admins' own mounts below the root too; idempotent, also after half a mount."""
        ...


@frozen
class DefaultMounter:
    """Mounts directories, block devices and image files; the first disk is the root, the others go by mount point.

    Attributes:
        instance: the definition.
        block_devices: one per disk.
        root: the directory at which the guest's root appears.
        with_root: whether the first disk is mounted, too; without, another mounter has made the root.
    """

    instance: Instance
    block_devices: tuple[BlockDevice, ...]
    root: str
    with_root: bool = True

    @property
    def name(self) -> str:
        """What plans call it."""
        return "default"

    def plan(self) -> tuple[MountAction, ...]:
        """Return the mounts in order.

        The root comes first. Of the others, one inside another's mount point comes after it, whatever the order in the
        definition: it would be hidden otherwise.

        Raises:
            InvalidInput: there is no root disk.
            OperationFailed: a disk is not there, or is not what the definition says.
        """
        if not self.block_devices:
            raise InvalidInput(
                f"{self.instance.name} has no disk to be its root",
                key="disks",
                allowed="at least one [[disks]] with a path",
            )
        actions: list[MountAction] = []
        for index, device in enumerate(self.block_devices):
            point = device.disk.mount_point if index else ""
            target = self.root + point if point not in {"", "/"} else self.root
            if index or self.with_root:
                actions.append(MountAction(device.path, target, kind_of(device), device.disk.read_only))
        return tuple(sorted(actions, key=_depth))

    def mount(self) -> None:
        """Mount the disks in the order of the plan.

        Raises:
            DeviceBusy: a device or image is in use elsewhere.
            OperationFailed: something cannot be mounted, in the tool's or the kernel's own words.
        """
        from hvcore.system.mounts import attach_image, bind_mount, mount_device

        for action in self.plan():
            if action.target != self.root:
                make_mount_point(self.root, action.target)
            options = ("ro",) if action.read_only else ()
            if action.kind == DiskKind.DIRECTORY:
                bind_mount(os.path.realpath(action.source), action.target, action.read_only)
                continue
            mount = mount_device if action.kind == DiskKind.BLOCK else attach_image
            mount(action.source, action.target, None, options)

    def unmount(self) -> None:
        """Unmount everything at and below the root, deepest first.

        Raises:
            DeviceBusy: something still uses a mount; the error names the processes.
        """
        from hvcore.system.mounts import unmount_tree

        unmount_tree(self.root)


def _depth(action: MountAction) -> int:
    return action.target.count("/")


def kind_of(device: BlockDevice) -> DiskKind:
    """Return what lies at a device's path.

    Raises:
        OperationFailed: nothing is there, or it is not what the definition says.
    """
    try:
        mode = os.stat(device.path).st_mode
    except OSError as error:
        raise OperationFailed(
            f"{device.path} cannot be used as a disk: {error.strerror}",
            resolution="check the path under [[disks]] in the instance file",
        ) from error
    found = {stat.S_IFDIR: DiskKind.DIRECTORY, stat.S_IFBLK: DiskKind.BLOCK, stat.S_IFREG: DiskKind.IMAGE}.get(
        stat.S_IFMT(mode)
    )
    wanted = device.disk.kind
    if found is None or (wanted is not None and wanted is not found):
        is_what = found.value if found else "neither a directory, a block device nor a file"
        raise OperationFailed(
            f"{device.path} is {is_what}{f', not {wanted.value}' if wanted else ''}",
            resolution="check path and kind under [[disks]] in the instance file",
        )
    return found


def make_mount_point(root: str, target: str) -> None:
    """Make a mount point inside a guest's root, where a link must not lead out of it.

    Args:
        root: the directory at which the guest's root appears.
        target: the mount point, at or below it, in the host's view.

    Raises:
        OperationFailed: it leads over a symbolic link or a file, or cannot be made.
    """
    path = root
    for part in os.path.relpath(target, root).split("/"):
        path = f"{path}/{part}"
        if os.path.islink(path):
            raise OperationFailed(
                f"the mount point {target} leads over the symbolic link {path}",
                resolution="name a mount point without symbolic links in the guest",
            )
        try:
            os.mkdir(path, 0o755)
        except FileExistsError as error:
            if not os.path.isdir(path):
                raise OperationFailed(
                    f"the mount point {target} leads over {path}, which is not a directory",
                    resolution="name another mount point, or remove the file in the guest",
                ) from error
        except OSError as error:
            raise OperationFailed(
                f"the mount point {path} cannot be made: {error.strerror}",
                resolution="make the directory in the guest's root",
            ) from error
