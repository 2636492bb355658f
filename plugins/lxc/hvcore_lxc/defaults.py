"""The default answers to LXC's steps; they are asked after every extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.plugin import hookimpl
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.spec import LxcSteps

if TYPE_CHECKING:
    from hvcore.context import DriverContext
    from hvcore.model.instance import BlockDevice, Instance
    from hvcore_lxc.cgroup_manager import CgroupManager
    from hvcore_lxc.document import ConfigDocument, ConfigEntry
    from hvcore_lxc.mounter import Mounter

__all__ = ["DefaultSteps"]


class DefaultSteps(LxcSteps):
    """LXC's own steps.

    Args:
        context: the driver's surroundings.
    """

    def __init__(self, context: DriverContext) -> None:
        self._context = context

    @hookimpl
    def lxc_mounter(self, instance: Instance, block_devices: tuple[BlockDevice, ...], root: str) -> Mounter:
        """Mount directories, block devices and image files."""
        from hvcore_lxc.mounter import DefaultMounter

        return DefaultMounter(instance, block_devices, root)

    @hookimpl
    def lxc_cgroups(self) -> CgroupManager:
        """Serve whatever cgroup layout the node has."""
        from hvcore_lxc.cgroups import DefaultCgroups

        return DefaultCgroups(LxcPaths.of(self._context))

    @hookimpl
    def lxc_config(self, instance: Instance, root: str, limits: tuple[ConfigEntry, ...]) -> ConfigDocument:
        """Build the configuration from the definition."""
        from hvcore_lxc.config import build_document

        return build_document(instance, root, limits, LxcPaths.of(self._context))
