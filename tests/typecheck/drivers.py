"""Drivers as type checkers see them. Nothing here runs: each ignored line must be an error, or the checkers complain."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import Mapping

from hvcore import Instance, InstanceInfo
from hvcore.model.instance import BlockDevice
from hvcore.model.parameters import ParameterValue
from hvcore.plugin import BaseHypervisor, DriverContext, HypervisorPlugin, hookimpl


class Good(BaseHypervisor):
    """A driver that keeps to the contract."""

    @hookimpl
    def start_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> None:
        """Start."""

    @hookimpl
    def list_instances(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[str, ...]:
        """List."""
        return ()

    @hookimpl
    def get_instance_info(
        self, instance_name: str, parameters: Mapping[str, ParameterValue] | None
    ) -> InstanceInfo | None:
        """Describe."""
        return None


class WrongReturnType(BaseHypervisor):
    """Answers with something else than the spec says."""

    @hookimpl
    def list_instances(self, parameters: Mapping[str, ParameterValue] | None) -> list[str]:  # type: ignore[override]
        """List."""
        return []

    @hookimpl
    def can_migrate(self) -> str:  # type: ignore[override]
        """Tell."""
        return "yes"


class WrongArgumentType(BaseHypervisor):
    """Wants something else than the spec passes."""

    @hookimpl
    def balloon_instance_memory(self, instance: Instance, memory_mib: str) -> None:  # type: ignore[override]
        """Balloon."""


class MissingArgument(BaseHypervisor):
    """Does not take what every caller passes."""

    @hookimpl
    def balloon_instance_memory(self, instance: Instance) -> None:  # type: ignore[override]
        """Balloon."""


class RenamedArgument(BaseHypervisor):
    """Gives an argument a name that the hook does not pass; mypy lets it be, a scope does not."""

    @hookimpl
    def cleanup_instance(self, name: str) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Clean up."""


class NoDriver:
    """Makes no driver."""

    def __init__(self, context: DriverContext) -> None:
        self.context = context


HypervisorPlugin("good", "a good one", Good)
HypervisorPlugin("bad", "makes no driver", NoDriver)  # type: ignore[arg-type]
HypervisorPlugin("bad", "no driver")  # type: ignore[call-arg]
