"""The node itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvcore.model.parameters import ParameterValue

__all__ = ["NodeSpec"]


class NodeSpec:
    """What a hypervisor can do to its node."""

    @command(since="1.0")
    def powercycle_node(self, parameters: Mapping[str, ParameterValue] | None) -> None:
        """Reset the node at once, without stopping instances or syncing disks.

        Answered by: the driver; ``BaseHypervisor`` resets a Linux node.

        Args:
            parameters: the hypervisor's parameters, or None for its defaults.

        Returns:
            Nothing; it returns only in tests.

        Raises:
            OperationFailed: the node could not be reset.

        Source: Ganeti ``PowercycleNode`` and ``LinuxPowercycle``; sysrq "b" in the kernel's admin-guide/sysrq.rst.
        """
        raise NotImplementedError
