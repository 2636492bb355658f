"""The default answers to chroot's steps; they are asked after every extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.plugin import hookimpl
from hvcore_chroot.spec import ChrootSteps

if TYPE_CHECKING:
    from hvcore.model.instance import BlockDevice, Instance
    from hvcore.system.root_mounts import Mounter

__all__ = ["DefaultSteps"]


class DefaultSteps(ChrootSteps):
    """Chroot's own steps."""

    @hookimpl
    def chroot_mounter(self, instance: Instance, block_devices: tuple[BlockDevice, ...], root: str) -> Mounter:
        """Mount directories, block devices and image files."""
        from hvcore.system.root_mounts import DefaultMounter

        return DefaultMounter(instance, block_devices, root)
