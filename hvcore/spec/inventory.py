"""What runs, what the node has, and whether all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvcore.model.capability import Capability
    from hvcore.model.info import InstanceInfo
    from hvcore.model.instance import Instance
    from hvcore.model.node import NodeInfo
    from hvcore.model.parameters import ParameterValue
    from hvcore.model.verify import VerifyReport

__all__ = ["InventorySpec"]


class InventorySpec:
    """Questions about instances and the node; none of them changes anything."""

    @command(since="1.0")
    def list_instances(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[str, ...]:
        """Name the instances that run.

        Answered by: the driver.

        Args:
            parameters: the hypervisor's parameters, or None for its defaults.

        Returns:
            The names, sorted; paused instances count as running.

        Raises:
            OperationFailed: the instances could not be enumerated.

        Source: Ganeti ``ListInstances``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def get_instance_info(
        self, instance_name: str, parameters: Mapping[str, ParameterValue] | None
    ) -> InstanceInfo | None:
        """Describe one running instance as the kernel sees it now.

        Answered by: the driver.

        Args:
            instance_name: the instance's name.
            parameters: the hypervisor's parameters, or None for its defaults.

        Returns:
            Its state, memory in MiB, CPUs, CPU time in seconds and init's pid; None when it does not run.

        Raises:
            OperationFailed: it runs but could not be described.

        Source: Ganeti ``GetInstanceInfo``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def get_all_instances_info(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[InstanceInfo, ...]:
        """Describe every running instance.

        Answered by: the driver.

        Args:
            parameters: the hypervisor's parameters, or None for its defaults.

        Returns:
            One entry per running instance, sorted by name; one that ends meanwhile is left out.

        Raises:
            OperationFailed: the instances could not be enumerated.

        Source: Ganeti ``GetAllInstancesInfo``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def get_instance_definition(self, instance_name: str) -> Instance | None:
        """Return the definition that an instance was started with.

        Answered by: the driver.

        Args:
            instance_name: the instance's name.

        Returns:
            The definition as saved at its start, or None when nothing is known of that name.

        Raises:
            StateFailed: the saved definition cannot be read.

        Source: hvcore's own; it lets every verb take a name alone, as Ganeti's ``StopInstance(None, name=...)`` does.
        """
        raise NotImplementedError

    @command(since="1.0")
    def get_node_info(self, parameters: Mapping[str, ParameterValue] | None) -> NodeInfo:
        """Describe the node's memory and processors.

        Answered by: the driver; ``BaseHypervisor`` asks Linux.

        Args:
            parameters: the hypervisor's parameters, or None for its defaults.

        Returns:
            Memory in MiB, processors, NUMA nodes and sockets, and the hypervisor's version when it has one.

        Raises:
            OperationFailed: the node does not tell.

        Source: Ganeti ``GetNodeInfo`` and ``GetLinuxNodeInfo`` (rules of Ganeti 3.1).
        """
        raise NotImplementedError

    @command(since="1.0")
    def verify(self, parameters: Mapping[str, ParameterValue] | None) -> VerifyReport:
        """Check that the node can run this hypervisor's instances, without changing anything.

        Answered by: the driver.

        Args:
            parameters: the hypervisor's parameters, or None for its defaults.

        Returns:
            The findings, each with its remedy, and the versions found; ``text()`` is Ganeti's form (None when all is well).

        Raises:
            OperationFailed: the check could not be made.

        Source: Ganeti ``Verify``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def capabilities(self) -> tuple[Capability, ...]:
        """Name the operations that this node, as it is now, lets the driver do only in part or not at all.

        Answered by: the driver; ``BaseHypervisor`` names none.

        Args:
            none.

        Returns:
            The limits, each with its reason and remedy; an operation may have several. What the driver does not implement
            need not be named. Looking for them changes nothing.

        Raises:
            OperationFailed: the node could not be looked at.

        Source: hvcore's own; ``Hypervisor.capabilities`` combines it with what is implemented.
        """
        raise NotImplementedError
