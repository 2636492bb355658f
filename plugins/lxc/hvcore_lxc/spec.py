"""The steps of a start that other plugins may override.

What must stay paired is one object: a mounter mounts *and* unmounts, a cgroup manager limits, measures *and* removes. The
config is overridden as a document; turning it into text is no hook, so an override can never break the syntax.

What an extension of LXC needs beside the hooks can be imported from here, too, and is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.plugin import choose, collect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hvcore.model.instance import BlockDevice, Instance
    from hvcore_lxc.cgroup_manager import CgroupManager, Usage
    from hvcore_lxc.document import ConfigDocument, ConfigEntry
    from hvcore_lxc.mounter import DefaultMounter, MountAction, Mounter

__all__ = [
    "CgroupManager",
    "ConfigDocument",
    "ConfigEntry",
    "DefaultMounter",
    "LxcSteps",
    "MountAction",
    "Mounter",
    "Usage",
]

_HOMES = {
    "CgroupManager": "hvcore_lxc.cgroup_manager",
    "ConfigDocument": "hvcore_lxc.document",
    "ConfigEntry": "hvcore_lxc.document",
    "DefaultMounter": "hvcore_lxc.mounter",
    "MountAction": "hvcore_lxc.mounter",
    "Mounter": "hvcore_lxc.mounter",
    "Usage": "hvcore_lxc.cgroup_manager",
}

# Checkers read the imports above, so a misspelt name is an error to them.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from hvcore.late import load_late

        return load_late(__name__, _HOMES, name)


class LxcSteps:
    """The steps of the LXC hypervisor."""

    @choose(since="1.0", answer="hvcore_lxc.mounter:Mounter")
    def lxc_mounter(self, instance: Instance, block_devices: tuple[BlockDevice, ...], root: str) -> Mounter | None:
        """Choose who mounts an instance's disks and unmounts them again.

        Asked at every start, and again whenever the instance is stopped or cleaned up: answer alike for the same instance.

        Answered by: an extension of LXC; the default mounts directories, block devices and image files.

        Args:
            instance: the definition, with every parameter filled in.
            block_devices: one per disk; the first is the root.
            root: the directory at which the guest's root is to appear; it exists, empty, when ``mount`` is called.

        Returns:
            The mounter, or None to decline.

        Raises:
            OperationFailed: the disks cannot be mounted as they are defined.

        Source: hvcore's own; Ganeti's hv_lxc has the mount built in.
        """
        raise NotImplementedError

    @choose(since="1.0", answer="hvcore_lxc.cgroup_manager:CgroupManager")
    def lxc_cgroups(self) -> CgroupManager | None:
        """Choose who limits, measures, freezes and removes the containers' cgroups; one for all instances.

        Answered by: an extension of LXC; the default serves cgroup version 1, hybrid and version 2.

        Args:
            none.

        Returns:
            The manager, or None to decline.

        Raises:
            MissingRequirement: the node has no usable cgroups.

        Source: hvcore's own; Ganeti's hv_lxc has version 1 built in.
        """
        raise NotImplementedError

    @choose(since="1.0", answer="hvcore_lxc.document:ConfigDocument")
    def lxc_config(self, instance: Instance, root: str, limits: tuple[ConfigEntry, ...]) -> ConfigDocument | None:
        """Choose the container's configuration; a wrapper may amend the document that others chose.

        Answered by: an extension of LXC; the default builds it from the definition.

        Args:
            instance: the definition, with every parameter filled in.
            root: the directory at which the guest's root appears.
            limits: what the cgroup manager wants set.

        Returns:
            The document, or None to decline.

        Raises:
            InvalidInput: the definition cannot be expressed.

        Source: lxc.container.conf(5).
        """
        raise NotImplementedError

    @collect(since="1.0", answer="hvcore_lxc.document:ConfigEntry")
    def lxc_config_entries(self, instance: Instance, document: ConfigDocument) -> Iterable[ConfigEntry]:
        """Add entries to the container's configuration.

        Answered by: any extension of LXC.

        Args:
            instance: the definition, with every parameter filled in.
            document: the document chosen so far.

        Returns:
            The entries to append, in order.

        Raises:
            InvalidInput: the definition cannot be expressed.

        Source: lxc.container.conf(5).
        """
        raise NotImplementedError
