"""The driver of the embedded hypervisor: the contract's answers, each handed to the file that knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.fake.inventory import describe, describe_all
from hvcore.plugin import BaseHypervisor, hookimpl

# What the verbs need is imported when one is called: a listing needs none of it.
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvcore.fake.machine import Machine
    from hvcore.model.console import InstanceConsole
    from hvcore.model.execution import ExecRequest, ExecResult
    from hvcore.model.info import InstanceInfo
    from hvcore.model.instance import BlockDevice, Instance
    from hvcore.model.node import Node, NodeInfo
    from hvcore.model.parameters import Parameter, ParameterValue
    from hvcore.model.plan import StartPlan
    from hvcore.model.recovery import RecoveryReport
    from hvcore.model.verify import VerifyReport

__all__ = ["FakeDriver"]


class FakeDriver(BaseHypervisor):
    """Keeps its instances in files under the state directory, so that separate processes see the same ones.

    Simulated are the guest and its time: CPU seconds are the seconds since the start during which the instance was not
    paused, memory is a number, disks and network interfaces are only remembered. Real are the files, the journal, the
    locks, the console log, the node's figures, and the commands that ``exec_in_instance`` runs on this very machine.

    Source: Ganeti's ``fake`` hypervisor and libvirt's ``test:///default``.
    """

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

        return plan(self._machine(instance.name), instance, startup_memory_mib(self.context, instance), startup_paused)

    @hookimpl
    def verify_instance(self, instance: Instance) -> bool:
        """Look whether a running instance has its journal, definition, folder and bell."""
        from hvcore.fake.clock import read_clock

        machine = self._machine(instance.name)
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
        """Undo a start that was not finished, finish a stop, and remove what dead guests left."""
        from hvcore.fake.recovery import recover_all, recover_one
        from hvcore.model.recovery import RecoveryReport

        if instance_name is None:
            return RecoveryReport(self.context.name, recover_all(self.context))
        found = recover_one(self._machine(instance_name))
        return RecoveryReport(self.context.name, () if found is None else (found,))

    # -- inventory -------------------------------------------------------------------------------------------------

    @hookimpl
    def list_instances(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[str, ...]:
        """Read the state of every instance."""
        return tuple(info.name for info in describe_all(self.context))

    @hookimpl
    def get_instance_info(
        self, instance_name: str, parameters: Mapping[str, ParameterValue] | None
    ) -> InstanceInfo | None:
        """Read the state of one instance; the CPU time is simulated."""
        return describe(self.context, instance_name)

    @hookimpl
    def get_all_instances_info(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[InstanceInfo, ...]:
        """Read the state of every instance; the CPU times are simulated."""
        return describe_all(self.context)

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

        return node_info(self.context)

    @hookimpl
    def verify(self, parameters: Mapping[str, ParameterValue] | None) -> VerifyReport:
        """Look whether both directories can be written, or made, and whether commands can be run."""
        from hvcore.fake.health import examine

        return examine(self.context)

    # -- console ---------------------------------------------------------------------------------------------------

    @hookimpl
    def get_instance_console(self, instance: Instance, primary_node: Node) -> InstanceConsole:
        """Name the log, for there is no console."""
        from hvcore.model.console import ConsoleKind, InstanceConsole

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

        return execute(self._machine(instance_name), request)

    # -- parameters ------------------------------------------------------------------------------------------------

    @hookimpl
    def assess_parameters(self, parameters: Mapping[str, ParameterValue]) -> tuple[str, ...]:
        """Warn of every failure that the parameters ask for."""
        from hvcore.fake.params import assess

        return assess(parameters)

    # -- helpers ---------------------------------------------------------------------------------------------------

    def _machine(self, name: str) -> Machine:
        from hvcore.fake.machine import Machine

        return Machine(self.context, name)
