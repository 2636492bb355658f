"""The driver of the embedded hypervisor: the contract's answers, each handed to the file that knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hvcore.fake.hotplug import HotplugDriver
from hvcore.fake.inventory import describe, describe_all
from hvcore.plugin import hookimpl

# What the verbs need is imported when one is called: a listing needs none of it.
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvcore.model.console import InstanceConsole
    from hvcore.model.event import GuestEnd
    from hvcore.model.execution import ExecRequest, ExecResult
    from hvcore.model.info import InstanceInfo
    from hvcore.model.instance import BlockDevice, Instance
    from hvcore.model.migration import MigrationStatus
    from hvcore.model.node import Node, NodeInfo
    from hvcore.model.parameters import Parameter, ParameterValue
    from hvcore.model.plan import ChangePlan, StartPlan
    from hvcore.model.recovery import RecoveryReport
    from hvcore.model.stats import InstanceStats
    from hvcore.model.verify import VerifyReport
    from hvcore.system.guest_watch import GuestWatch

__all__ = ["FakeDriver"]


class FakeDriver(HotplugDriver):
    """Keeps its instances in files under the state directory, so that separate processes see the same ones.

    Simulated are the guest and its time: CPU seconds are the seconds since the start during which the instance was not
    paused, memory is a number, disks and network interfaces are only remembered. Real are the files, the journal, the
    locks, the console log, the node's figures, and the commands that ``exec_in_instance`` runs on this very machine.

    Another state directory is another node, and its path that node's address; an instance can be migrated to it.

    Source: Ganeti's ``fake`` hypervisor and libvirt's ``test:///default``.
    """

    CAN_MIGRATE: ClassVar[bool] = True

    def declared_parameters(self) -> tuple[Parameter, ...]:
        """Return the parameters, imported late."""
        from hvcore.fake.params import PARAMETERS

        return PARAMETERS

    # -- life cycle ------------------------------------------------------------------------------------------------

    @hookimpl
    def start_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> None:
        """Write the files of an instance that runs, after the boot delay that its parameters ask for."""
        from hvcore.fake.inventory import startup_memory_mib
        from hvcore.fake.lifecycle import start

        start(self._machine(instance.name), instance, startup_memory_mib(self.context, instance), startup_paused)

    @hookimpl
    def plan_start(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> StartPlan:
        """Name the steps and the definition that would be saved."""
        from hvcore.fake.inventory import startup_memory_mib
        from hvcore.fake.planning import plan

        self._meet("plan", instance.parameters)
        return plan(self._machine(instance.name), instance, startup_memory_mib(self.context, instance), startup_paused)

    @hookimpl
    def plan_change(self, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> ChangePlan:
        """Compare a definition with the saved one."""
        from hvcore.fake.planning import plan_change

        self._meet("plan", instance.parameters)
        return plan_change(self._machine(instance.name), instance)

    @hookimpl
    def verify_instance(self, instance: Instance) -> bool:
        """Look whether a running instance has its journal, definition, folder and bell."""
        from hvcore.fake.clock import read_clock

        machine = self._machine(instance.name)
        machine.meet("check")
        return machine.running(read_clock()) is not None and machine.is_complete()

    @hookimpl
    def restore_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> None:
        """Make them again; the parameters of the definition given are in force from now on."""
        from hvcore.fake.lifecycle import restore

        restore(self._machine(instance.name), instance)

    @hookimpl
    def stop_instance(
        self, instance: Instance | None, name: str, force: bool, retry: bool, timeout_s: float | None
    ) -> None:
        """Ask the guest and wait for it, or end it at once; then remove all but the log."""
        from hvcore.fake.lifecycle import stop

        stop(self._machine(name), force, retry, timeout_s)

    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        """Remove what an instance that no longer runs has left; its log stays."""
        from hvcore.fake.lifecycle import clean_up

        clean_up(self._machine(instance_name))

    @hookimpl
    def reboot_instance(self, instance: Instance) -> None:
        """End the commands that run in it and begin its time anew; a paused one runs afterwards."""
        from hvcore.fake.lifecycle import reboot

        reboot(self._machine(instance.name))

    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        """Stop the guest's time; commands that already run in it are not held."""
        from hvcore.fake.lifecycle import pause

        pause(self._machine(instance_name))

    @hookimpl
    def resume_instance(self, instance_name: str) -> None:
        """Let the guest's time go on."""
        from hvcore.fake.lifecycle import resume

        resume(self._machine(instance_name))

    @hookimpl
    def balloon_instance_memory(self, instance: Instance, memory_mib: int) -> None:
        """Remember the new size; it may not grow by more than the node has free."""
        from hvcore.fake.inventory import node_info
        from hvcore.fake.lifecycle import balloon

        balloon(self._machine(instance.name), memory_mib, node_info(self.context).memory_free_mib)

    @hookimpl
    def recover(self, instance_name: str | None) -> RecoveryReport:
        """Undo a start that was not finished, finish a stop, end a migration, and remove what dead guests left.

        A migration that might still go on is ended, too: on the source the instance stays, on the target nothing is left
        of it; only when it has arrived there, it stays there.
        """
        from hvcore.fake.recovery import recover_all, recover_one
        from hvcore.model.recovery import RecoveryReport

        if instance_name is None:
            return RecoveryReport(self.context.name, recover_all(self.context))
        machine = self._machine(instance_name)
        machine.meet("recover")
        found = recover_one(machine)
        return RecoveryReport(self.context.name, () if found is None else (found,))

    # -- inventory -------------------------------------------------------------------------------------------------

    @hookimpl
    def list_instances(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[str, ...]:
        """Read the state of every instance."""
        self._meet("list", parameters)
        return tuple(info.name for info in describe_all(self.context))

    @hookimpl
    def get_instance_info(
        self, instance_name: str, parameters: Mapping[str, ParameterValue] | None
    ) -> InstanceInfo | None:
        """Read the state of one instance; the CPU time is simulated."""
        self._meet("info", parameters)
        self._machine(instance_name).meet("info")
        return describe(self.context, instance_name)

    @hookimpl
    def get_all_instances_info(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[InstanceInfo, ...]:
        """Read the state of every instance; the CPU times are simulated."""
        self._meet("list", parameters)
        return describe_all(self.context)

    @hookimpl
    def get_instance_stats(self, instance_name: str) -> InstanceStats | None:
        """Make figures up from the guest's time and its memory; all counters grow steadily."""
        from hvcore.fake.stats import measure

        self._machine(instance_name).meet("stats")
        return measure(self.context, instance_name)

    @hookimpl
    def get_all_instances_stats(self) -> tuple[InstanceStats, ...]:
        """Make them up for every instance."""
        from hvcore.fake.inventory import recorded_names
        from hvcore.fake.stats import measure

        found = (measure(self.context, name) for name in recorded_names(self.context))
        return tuple(stats for stats in found if stats is not None)

    @hookimpl
    def get_instance_definition(self, instance_name: str) -> Instance | None:
        """Read the saved definition."""
        return self._machine(instance_name).files.read_definition()

    @hookimpl
    def get_node_info(self, parameters: Mapping[str, ParameterValue] | None) -> NodeInfo:
        """Ask Linux, and count the memory of the instances as taken.

        Source: Ganeti's ``fake``, which takes it from the free memory alone.
        """
        from hvcore.fake.inventory import node_info

        self._meet("node", parameters)
        return node_info(self.context)

    @hookimpl
    def verify(self, parameters: Mapping[str, ParameterValue] | None) -> VerifyReport:
        """Look whether both directories can be written, or made, and whether commands can be run."""
        from hvcore.fake.health import examine

        self._meet("verify", parameters)
        return examine(self.context)

    # -- events ----------------------------------------------------------------------------------------------------

    @hookimpl
    def watch_guest(self, instance_name: str) -> GuestWatch | None:
        """Listen to the bell, and wait for the moment at which a guest that was asked has shut down."""
        from hvcore.fake.guest_end import watch

        return watch(self._machine(instance_name))

    @hookimpl
    def get_guest_end(self, instance_name: str) -> GuestEnd | None:
        """Say that it has shut down as it was asked to, or that its node lost power."""
        from hvcore.fake.guest_end import find_end

        return find_end(self._machine(instance_name))

    # -- console ---------------------------------------------------------------------------------------------------

    @hookimpl
    def get_instance_console(self, instance: Instance, primary_node: Node) -> InstanceConsole:
        """Name the log, for there is no console."""
        from hvcore.model.console import ConsoleKind, InstanceConsole

        self._meet("attach", instance.parameters)
        log = self._machine(instance.name).console.path
        return InstanceConsole(
            instance=instance.name,
            kind=ConsoleKind.MESSAGE,
            message=f"{instance.name} is simulated and has no console; its log is {log} on {primary_node.name}",
        )

    @hookimpl
    def exec_in_instance(self, instance_name: str, request: ExecRequest) -> ExecResult:
        """Run a command on this machine as the caller, in the instance's folder ``root/``.

        Without namespaces the guest's paths are the machine's, a working directory included. A program that is not found
        ends with status 127, one that may not be run with 126.
        """
        from hvcore.fake.guest import execute

        machine = self._machine(instance_name)
        machine.meet("exec")
        return execute(machine, request)

    # -- migration -------------------------------------------------------------------------------------------------

    @hookimpl
    def versions_safe_for_migration(self, source: tuple[int, ...], target: tuple[int, ...]) -> bool:
        """Demand the same first number, within which the files of an instance stay the same."""
        return source[:1] == target[:1]

    @hookimpl
    def migration_info(self, instance: Instance) -> str:
        """Describe the instance as JSON: definition, memory, which run it is, and where it is."""
        from hvcore.fake.source import describe_for_target

        return describe_for_target(self._machine(instance.name))

    @hookimpl
    def accept_instance(self, instance: Instance, info: str, target: str) -> None:
        """Make its directory with a slot for its state; the address must be that of this node.

        An address is the absolute path of a node's state directory, as in ``HVCORE_STATE_DIR``, also as
        ``file:///path``. What is saved is the definition that the source describes; commands that run in the instance,
        the content of ``root/`` and the log stay on the source.
        """
        from hvcore.fake.inventory import node_info
        from hvcore.fake.target import accept

        accept(self._machine(instance.name), instance, info, target, node_info(self.context).memory_free_mib)

    @hookimpl
    def migrate_instance(self, cluster_name: str, instance: Instance, target: str, live: bool) -> None:
        """Write down when the transfer began; how far it is follows from the clock."""
        from hvcore.fake.source import migrate

        migrate(self._machine(instance.name), target, live)

    @hookimpl
    def get_migration_status(self, instance: Instance) -> MigrationStatus:
        """Reckon from the clock; a target that no longer waits means failure."""
        from hvcore.fake.source import status

        return status(self._machine(instance.name))

    @hookimpl
    def finalize_migration_source(self, instance: Instance, success: bool, live: bool) -> None:
        """Move its state into the target's slot and remove the rest, or let the guest go on here."""
        from hvcore.fake.source import finalize

        finalize(self._machine(instance.name), success)

    @hookimpl
    def finalize_migration_dst(self, instance: Instance, info: str, success: bool) -> None:
        """Put what has arrived in its place, after fetching it where the source was not told yet; or remove all."""
        from hvcore.fake.target import finalize

        finalize(self._machine(instance.name), instance, info, success)

    # -- node ------------------------------------------------------------------------------------------------------

    @hookimpl
    def powercycle_node(self, parameters: Mapping[str, ParameterValue] | None) -> None:
        """Reset the simulated node: its instances end, and the real node does not notice."""
        from hvcore.fake.power import cut_power

        cut_power(self.context)

    # -- parameters ------------------------------------------------------------------------------------------------

    @hookimpl
    def validate_parameters(self, parameters: Mapping[str, ParameterValue]) -> None:
        """Validate what is declared; no value depends on the node."""
        super().validate_parameters(parameters)
        self._meet("validate", parameters)

    @hookimpl
    def assess_parameters(self, parameters: Mapping[str, ParameterValue]) -> tuple[str, ...]:
        """Warn of every failure that the parameters ask for."""
        from hvcore.fake.params import assess

        return assess(parameters)

    # -- helpers ---------------------------------------------------------------------------------------------------

    def _meet(self, step: str, parameters: Mapping[str, ParameterValue] | None) -> None:
        if not parameters:
            return
        from hvcore.fake.behaviour import Behaviour
        from hvcore.fake.faults import meet

        meet(step, Behaviour.of(parameters))
