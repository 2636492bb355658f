"""The base of every driver: the parts of the contract that Ganeti's base class answers itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hvcore.markers import hookimpl
from hvcore.spec.configuration import ConfigurationSpec
from hvcore.spec.console import ConsoleSpec
from hvcore.spec.devices import DevicesSpec
from hvcore.spec.events import EventsSpec
from hvcore.spec.files import FilesSpec
from hvcore.spec.inventory import InventorySpec
from hvcore.spec.lifecycle import LifecycleSpec
from hvcore.spec.migration import MigrationSpec
from hvcore.spec.node import NodeSpec
from hvcore.spec.params import ParamsSpec
from hvcore.spec.stats import StatsSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvcore.context import DriverContext
    from hvcore.model.capability import Capability
    from hvcore.model.files import AncillaryFiles
    from hvcore.model.instance import BlockDevice, Instance
    from hvcore.model.node import NodeInfo
    from hvcore.model.parameters import Parameter, ParameterValue
    from hvcore.model.recovery import RecoveryReport

__all__ = ["BaseHypervisor"]


class BaseHypervisor(
    LifecycleSpec,
    InventorySpec,
    StatsSpec,
    EventsSpec,
    ConsoleSpec,
    MigrationSpec,
    NodeSpec,
    FilesSpec,
    ParamsSpec,
    DevicesSpec,
    ConfigurationSpec,
):
    """A driver to inherit: answers what does not depend on the hypervisor, from declarations where it can.

    Everything else is unsupported until the driver implements it with ``@hookimpl``.

    Args:
        context: the driver's surroundings; only stored here, since the scope is not sealed yet.
    """

    PARAMETERS: ClassVar[tuple[Parameter, ...]] = ()
    """The declared parameters."""

    ANCILLARY_FILES: ClassVar[frozenset[str]] = frozenset()
    """Absolute paths to keep identical on all nodes."""

    ANCILLARY_FILES_OPT: ClassVar[frozenset[str]] = frozenset()
    """The subset of them that may be absent everywhere."""

    CAN_MIGRATE: ClassVar[bool] = False
    """Whether instances can be migrated."""

    def __init__(self, context: DriverContext) -> None:
        self.context = context

    def declared_parameters(self) -> tuple[Parameter, ...]:
        """Return the declared parameters; a driver that imports them late overrides this instead of ``PARAMETERS``."""
        return self.PARAMETERS

    def startup_memory_mib(self, instance: Instance) -> int:
        """Return the memory that an instance starts with.

        Args:
            instance: the definition.

        Returns:
            What is free on the node, in MiB; but not more than the most it may have, nor less than the least it needs.

        Source: Ganeti ``_InstanceStartupMemory``.
        """
        most_mib = instance.memory_mib
        least_mib = instance.memory_min_mib or most_mib
        return max(least_mib, min(most_mib, self.get_node_info(None).memory_free_mib))

    @hookimpl
    def verify_instance(self, instance: Instance) -> bool:
        """Say that nothing is missing."""
        return True

    @hookimpl
    def restore_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> None:
        """Restore nothing."""

    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        """Remove nothing."""

    @hookimpl
    def recover(self, instance_name: str | None) -> RecoveryReport:
        """Find nothing half done."""
        from hvcore.model.recovery import RecoveryReport

        return RecoveryReport(self.context.name)

    @hookimpl
    def get_node_info(self, parameters: Mapping[str, ParameterValue] | None) -> NodeInfo:
        """Ask Linux."""
        from hvcore.system.node import linux_node_info

        return linux_node_info()

    @hookimpl
    def capabilities(self) -> tuple[Capability, ...]:
        """Know of no limits."""
        return ()

    @hookimpl
    def can_migrate(self) -> bool:
        """Answer with ``CAN_MIGRATE``."""
        return self.CAN_MIGRATE

    @hookimpl
    def versions_safe_for_migration(self, source: tuple[int, ...], target: tuple[int, ...]) -> bool:
        """Demand equal versions."""
        return source == target

    @hookimpl
    def migration_info(self, instance: Instance) -> str:
        """Say nothing."""
        return ""

    @hookimpl
    def accept_instance(self, instance: Instance, info: str, target: str) -> None:
        """Prepare nothing."""

    @hookimpl
    def powercycle_node(self, parameters: Mapping[str, ParameterValue] | None) -> None:
        """Reset a Linux node."""
        from hvcore.system.power import linux_powercycle

        linux_powercycle(self.context.power)

    @hookimpl
    def get_ancillary_files(self) -> AncillaryFiles:
        """Answer with the declared files."""
        from hvcore.model.files import AncillaryFiles

        return AncillaryFiles(self.ANCILLARY_FILES, self.ANCILLARY_FILES_OPT)

    @hookimpl
    def get_parameters(self) -> tuple[Parameter, ...]:
        """Answer with the declared parameters."""
        return self.declared_parameters()

    @hookimpl
    def check_parameter_syntax(self, parameters: Mapping[str, ParameterValue]) -> None:
        """Check what is declared; a driver that adds checks calls this first."""
        from hvcore.model.parameter_checks import check_parameter_syntax

        check_parameter_syntax(self._all_parameters(), parameters)

    @hookimpl
    def validate_parameters(self, parameters: Mapping[str, ParameterValue]) -> None:
        """Validate what is declared; a driver that adds checks calls this first."""
        from hvcore.model.parameter_checks import validate_parameters

        validate_parameters(self._all_parameters(), parameters)

    @hookimpl
    def assess_parameters(self, parameters: Mapping[str, ParameterValue]) -> tuple[str, ...]:
        """Give no advice."""
        return ()

    def _all_parameters(self) -> tuple[Parameter, ...]:
        """Return what is declared, with what extensions add around ``get_parameters``."""
        return self.context.scope.command(ParamsSpec.get_parameters)
