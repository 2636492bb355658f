"""The step of a start that other plugins may override.

What must stay paired is one object: a mounter mounts *and* unmounts. It is the same as LXC's, so one mounter serves both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.plugin import choose

if TYPE_CHECKING:
    from hvcore.model.instance import BlockDevice, Instance
    from hvcore.system.root_mounts import Mounter

__all__ = ["ChrootSteps"]


class ChrootSteps:
    """The steps of the chroot hypervisor."""

    @choose(since="1.0", answer="hvcore.system.root_mounts:Mounter")
    def chroot_mounter(self, instance: Instance, block_devices: tuple[BlockDevice, ...], root: str) -> Mounter | None:
        """Choose who mounts an instance's disks and unmounts them again.

        Asked at every start, and again whenever the instance is stopped or cleaned up: answer alike for the same instance.
        The kernel's own file systems inside the root (``system_mounts``) are not the mounter's.

        Answered by: an extension of chroot; the default mounts directories, block devices and image files.

        Args:
            instance: the definition, with every parameter filled in.
            block_devices: one per disk; the first is the root.
            root: the directory at which the root is to appear; it exists, empty, when ``mount`` is called.

        Returns:
            The mounter, or None to decline.

        Raises:
            OperationFailed: the disks cannot be mounted as they are defined.

        Source: hvcore's own; Ganeti's hv_chroot has the mount built in.
        """
        raise NotImplementedError
