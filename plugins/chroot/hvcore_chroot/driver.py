"""The driver: the contract's answers, each handed to the file that knows."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from hvcore.plugin import BaseHypervisor, hookimpl
from hvcore_chroot.paths import ChrootPaths

# What starts and stops instances is imported when it is first needed: a listing needs none of it.
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvcore.model.capability import Capability
    from hvcore.model.console import InstanceConsole
    from hvcore.model.event import GuestEnd
    from hvcore.model.execution import ExecRequest, ExecResult
    from hvcore.model.info import InstanceInfo
    from hvcore.model.instance import BlockDevice, Instance
    from hvcore.model.node import Node
    from hvcore.model.parameters import Parameter, ParameterValue
    from hvcore.model.plan import StartPlan
    from hvcore.model.recovery import RecoveryReport
    from hvcore.model.stats import InstanceStats
    from hvcore.model.verify import VerifyReport
    from hvcore.system.guest_watch import GuestWatch
    from hvcore_chroot.groups import Groups
    from hvcore_chroot.inventory import Inventory
    from hvcore_chroot.lifecycle import Lifecycle

__all__ = ["ChrootDriver"]


class ChrootDriver(BaseHypervisor):
    """Processes in a mounted root, started and stopped by its own script.

    Memory is not limited, so there is no ballooning, and no process can move to another node, so there is no migration.
    """

    def declared_parameters(self) -> tuple[Parameter, ...]:
        """Return chroot's parameters, imported late."""
        from hvcore_chroot.params import PARAMETERS

        return PARAMETERS

    # -- life cycle ------------------------------------------------------------------------------------------------

    @hookimpl
    def start_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> None:
        """Mount the root and run its script."""
        from hvcore_chroot.requirements import require_root

        require_root()
        self._lifecycle.start(instance, block_devices, startup_paused)

    @hookimpl
    def plan_start(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> StartPlan:
        """List the steps of a start."""
        from hvcore_chroot.plan import plan_of

        return plan_of(self._lifecycle, instance, block_devices, startup_paused)

    @hookimpl
    def stop_instance(
        self, instance: Instance | None, name: str, force: bool, retry: bool, timeout_s: float | None
    ) -> None:
        """Run the script's stop and end what it leaves, or end everything."""
        self._lifecycle.stop(name, force, retry, timeout_s)

    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        """Undo what is left of a start."""
        self._lifecycle.clean_up(instance_name)

    @hookimpl
    def reboot_instance(self, instance: Instance) -> None:
        """Run the script's stop and its start over the same mounts."""
        self._lifecycle.reboot(instance.name)

    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        """Freeze the instance's cgroup."""
        self._groups.require_freezer()
        self._require_running(instance_name)
        self._groups.freeze(instance_name)

    @hookimpl
    def resume_instance(self, instance_name: str) -> None:
        """Thaw the instance's cgroup."""
        self._groups.require_freezer()
        self._require_running(instance_name)
        self._groups.thaw(instance_name)

    @hookimpl
    def verify_instance(self, instance: Instance) -> bool:
        """Tell whether the saved definition is there."""
        return self._paths.definition(instance.name).is_file()

    @hookimpl
    def restore_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> None:
        """Write the saved definition again."""
        from hvcore_chroot.restore import restore

        restore(self._lifecycle, instance, block_devices)

    @hookimpl
    def recover(self, instance_name: str | None) -> RecoveryReport:
        """Undo starts and stops that were cut short, and forget instances whose processes have ended."""
        from hvcore.model.recovery import RecoveryReport
        from hvcore.system.bookkeeping import known_names

        names = (instance_name,) if instance_name else known_names(self._paths.state_dir, self.context.locks.directory)
        found = (self._lifecycle.recover(name) for name in names)
        return RecoveryReport(self.context.name, tuple(recovery for recovery in found if recovery is not None))

    # -- inventory -------------------------------------------------------------------------------------------------

    @hookimpl
    def list_instances(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[str, ...]:
        """Name the instances that have processes."""
        return tuple(self._inventory.pids())

    @hookimpl
    def get_instance_info(
        self, instance_name: str, parameters: Mapping[str, ParameterValue] | None
    ) -> InstanceInfo | None:
        """Measure the instance's processes."""
        pids = self._inventory.pids().get(instance_name)
        return self._inventory.describe(instance_name, pids) if pids else None

    @hookimpl
    def get_all_instances_info(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[InstanceInfo, ...]:
        """Measure every instance's processes, in one pass."""
        found = (self._inventory.describe(name, pids) for name, pids in self._inventory.pids().items())
        return tuple(info for info in found if info is not None)

    @hookimpl
    def get_instance_stats(self, instance_name: str) -> InstanceStats | None:
        """Sum up the instance's processes, and read its cgroup where that counts."""
        from hvcore_chroot.stats import measure

        pids = self._inventory.pids().get(instance_name)
        return measure(self._inventory, instance_name, pids) if pids else None

    @hookimpl
    def get_all_instances_stats(self) -> tuple[InstanceStats, ...]:
        """Measure every instance, in one pass over /proc."""
        from hvcore_chroot.stats import measure

        found = (measure(self._inventory, name, pids) for name, pids in self._inventory.pids().items())
        return tuple(stats for stats in found if stats is not None)

    @hookimpl
    def get_instance_definition(self, instance_name: str) -> Instance | None:
        """Read the definition that was saved at the start."""
        from hvcore.system.definitions import load_definition

        saved = load_definition(self._paths.definition(instance_name))
        return None if saved is None else saved.instance

    @hookimpl
    def verify(self, parameters: Mapping[str, ParameterValue] | None) -> VerifyReport:
        """Look for root, the tools and a freezer."""
        from hvcore_chroot.requirements import examine

        return examine(self.context, self._paths, self._groups)

    @hookimpl
    def capabilities(self) -> tuple[Capability, ...]:
        """Name what root, tools, loop devices and a freezer are missed for."""
        from hvcore_chroot.limits import limits

        return limits(self.context, self._groups)

    # -- events ----------------------------------------------------------------------------------------------------

    @hookimpl
    def watch_guest(self, instance_name: str) -> GuestWatch | None:
        """Watch over one process after the other: the instance has ended with the last."""
        return self._lifecycle.guest(instance_name).watch()

    @hookimpl
    def get_guest_end(self, instance_name: str) -> GuestEnd | None:
        """Say that nobody knows why: the processes are nobody's children who would tell."""
        from hvcore.model.event import EventReason, GuestEnd

        return None if self._lifecycle.guest(instance_name).is_alive else GuestEnd(EventReason.UNKNOWN)

    # -- console ---------------------------------------------------------------------------------------------------

    @hookimpl
    def get_instance_console(self, instance: Instance, primary_node: Node) -> InstanceConsole:
        """Name the command that opens a shell in the root on the node."""
        from hvcore.model.console import ConsoleKind, InstanceConsole

        return InstanceConsole(
            instance=instance.name,
            kind=ConsoleKind.SSH,
            host=primary_node.name,
            port=primary_node.ssh_port,
            user="root",
            command=("chroot", str(self._paths.root(instance.name)), "/bin/sh"),
        )

    @hookimpl
    def exec_in_instance(self, instance_name: str, request: ExecRequest) -> ExecResult:
        """Run a command in the root, as one of the instance's processes."""
        from hvcore.errors import NotRunning, OperationFailed
        from hvcore_chroot.execution import execute

        guest = self._lifecycle.guest(instance_name)
        if not guest.is_alive:
            raise NotRunning(f"{instance_name} does not run", resolution="'hv list' names those that run")
        if self._groups.is_frozen(instance_name):
            raise OperationFailed(
                f"{instance_name} is paused, so nothing can run in it", resolution=f"'hv resume {instance_name}' first"
            )
        return execute(self.context.runner, guest, request)

    # -- helpers ---------------------------------------------------------------------------------------------------

    @cached_property
    def _paths(self) -> ChrootPaths:
        return ChrootPaths.of(self.context)

    @cached_property
    def _groups(self) -> Groups:
        from hvcore_chroot.groups import Groups

        return Groups(self._paths)

    @cached_property
    def _inventory(self) -> Inventory:
        from hvcore_chroot.inventory import Inventory

        return Inventory(self.context.name, self._paths, self._groups)

    @cached_property
    def _lifecycle(self) -> Lifecycle:
        from hvcore_chroot.lifecycle import Lifecycle

        return Lifecycle(self.context, self._paths, self._groups)

    def _require_running(self, name: str) -> None:
        self._lifecycle.settle(name)
        self._lifecycle.require_running(name)
