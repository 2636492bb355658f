"""The driver of the embedded hypervisor."""

from __future__ import annotations

import os
from collections.abc import Mapping

from attrs import evolve

from hvcore.errors import AlreadyRunning, Busy, CommandTimeout, OperationFailed
from hvcore.fake import lifecycle
from hvcore.fake.clock import read_clock
from hvcore.fake.guest import check_request, command_line, exit_status
from hvcore.fake.inventory import describe, describe_all, node_info, recorded_names, startup_memory_mib
from hvcore.fake.machine import Machine
from hvcore.fake.params import PARAMETERS, assess
from hvcore.fake.recovery import found_half_done, require_settled, settle
from hvcore.model.console import ConsoleKind, InstanceConsole
from hvcore.model.execution import ExecRequest, ExecResult
from hvcore.model.info import InstanceInfo
from hvcore.model.instance import BlockDevice, Instance
from hvcore.model.node import Node, NodeInfo
from hvcore.model.parameters import ParameterValue
from hvcore.model.plan import StartPlan
from hvcore.model.recovery import Recovery, RecoveryReport
from hvcore.model.verify import VerifyReport
from hvcore.plugin import BaseHypervisor, hookimpl

__all__ = ["FakeDriver"]

_Parameters = Mapping[str, ParameterValue]


class FakeDriver(BaseHypervisor):
    """Keeps its instances in files under the state directory, so that separate processes see the same ones.

    Simulated are the guest and its time: CPU seconds are the seconds since the start during which the instance was not
    paused, memory is a number, disks and network interfaces are only remembered. Real are the files, the journal, the
    locks, the console log, the node's figures, and the commands that ``exec_in_instance`` runs on this very machine.

    Source: Ganeti's ``fake`` hypervisor and libvirt's ``test:///default``.
    """

    PARAMETERS = PARAMETERS

    # -- life cycle ------------------------------------------------------------------------------------------------

    @hookimpl
    def start_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> None:
        """Write the files of an instance that runs, after the boot delay that its parameters ask for."""
        lifecycle.start(
            self._machine(instance.name), instance, startup_memory_mib(self.context, instance), startup_paused
        )

    @hookimpl
    def plan_start(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> StartPlan:
        """Name the steps and the definition that would be saved."""
        from hvcore.fake.planning import plan

        return plan(self._machine(instance.name), instance, startup_memory_mib(self.context, instance), startup_paused)

    @hookimpl
    def verify_instance(self, instance: Instance) -> bool:
        """Look whether a running instance has its definition and its folder."""
        machine = self._machine(instance.name)
        return machine.running(read_clock()) is not None and machine.is_complete()

    @hookimpl
    def restore_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> None:
        """Write definition and folder again; the parameters given are in force from now on."""
        machine = self._machine(instance.name)
        require_settled(machine)
        machine.restore(instance, machine.require_running(read_clock()))

    @hookimpl
    def stop_instance(
        self, instance: Instance | None, name: str, force: bool, retry: bool, timeout_s: float | None
    ) -> None:
        """Ask the guest and wait for it, or end it at once; then remove all but the log."""
        lifecycle.stop(self._machine(name), force, retry, timeout_s)

    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        """Remove what an instance that no longer runs has left; its log stays."""
        machine = self._machine(instance_name)
        require_settled(machine)
        if machine.running(read_clock()) is not None:
            raise AlreadyRunning(f"{instance_name} still runs and cannot be cleaned up", resolution="stop it first")

    @hookimpl
    def reboot_instance(self, instance: Instance) -> None:
        """End the commands that run in it and begin its time anew; a paused one runs afterwards."""
        lifecycle.reboot(self._machine(instance.name))

    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        """Stop the guest's time; commands that already run in it are not held."""
        machine = self._machine(instance_name)
        require_settled(machine)
        state = machine.require_running(read_clock())
        if not state.is_paused:
            machine.change("pause", state, lambda: machine.set_state(state.paused(read_clock())))
            machine.console.say("paused")

    @hookimpl
    def resume_instance(self, instance_name: str) -> None:
        """Let the guest's time go on."""
        machine = self._machine(instance_name)
        require_settled(machine)
        state = machine.require_running(read_clock())
        if state.is_paused:
            machine.change("resume", state, lambda: machine.set_state(state.resumed(read_clock())))
            machine.console.say("resumed")

    @hookimpl
    def balloon_instance_memory(self, instance: Instance, memory_mib: int) -> None:
        """Remember the new size; it may not grow by more than the node has free."""
        machine = self._machine(instance.name)
        require_settled(machine)
        state = machine.require_running(read_clock())
        free_mib = node_info(self.context).memory_free_mib
        if memory_mib - state.memory_mib > free_mib:
            raise OperationFailed(
                f"the node has {free_mib} MiB free, and {instance.name} would grow by {memory_mib - state.memory_mib} MiB",
                step="balloon",
                resolution="give it less, or stop another instance",
            )
        machine.change("balloon", state, lambda: machine.set_state(evolve(state, memory_mib=memory_mib)))
        machine.console.say(f"memory is {memory_mib} MiB")

    @hookimpl
    def recover(self, instance_name: str | None) -> RecoveryReport:
        """Undo a start that was not finished, finish a stop, and remove what dead guests left."""
        if instance_name is not None:
            found = self._recover_one(instance_name)
            return RecoveryReport(self.context.name, (found,) if found else ())
        recoveries: list[Recovery] = []
        for name in recorded_names(self.context):
            try:
                found = self._recover_one(name)
            except Busy:
                # Whoever works on it puts it in order.
                continue
            if found:
                recoveries.append(found)
        return RecoveryReport(self.context.name, tuple(recoveries))

    # -- inventory -------------------------------------------------------------------------------------------------

    @hookimpl
    def list_instances(self, parameters: _Parameters | None) -> tuple[str, ...]:
        """Read the state of every instance."""
        return tuple(info.name for info in describe_all(self.context))

    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: _Parameters | None) -> InstanceInfo | None:
        """Read the state of one instance; the CPU time is simulated."""
        return describe(self.context, instance_name)

    @hookimpl
    def get_all_instances_info(self, parameters: _Parameters | None) -> tuple[InstanceInfo, ...]:
        """Read the state of every instance; the CPU times are simulated."""
        return describe_all(self.context)

    @hookimpl
    def get_instance_definition(self, instance_name: str) -> Instance | None:
        """Read the saved definition."""
        return self._machine(instance_name).files.read_definition()

    @hookimpl
    def get_node_info(self, parameters: _Parameters | None) -> NodeInfo:
        """Ask Linux, and count the memory of the instances as taken.

        Source: Ganeti's ``fake``, which takes it from the free memory alone.
        """
        return node_info(self.context)

    @hookimpl
    def verify(self, parameters: _Parameters | None) -> VerifyReport:
        """Look whether both directories can be written, or made, and whether commands can be run."""
        from hvcore.fake.health import examine

        return examine(self.context)

    # -- console ---------------------------------------------------------------------------------------------------

    @hookimpl
    def get_instance_console(self, instance: Instance, primary_node: Node) -> InstanceConsole:
        """Name the log, for there is no console."""
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
        check_request(request)
        machine = self._machine(instance_name)
        if machine.require_running(read_clock()).is_paused:
            raise OperationFailed(f"{instance_name} is paused and runs no commands", resolution="resume it first")
        if request.working_directory and not os.path.isdir(request.working_directory):
            raise OperationFailed(
                f"{request.working_directory} is no directory",
                resolution="make it, or choose another working directory",
            )
        argv = command_line(instance_name, machine.files.root, request)
        if request.attached:
            return ExecResult(exit_status(self.context.runner.attach(argv)))
        try:
            done = self.context.runner.run(argv, timeout_s=request.timeout_s, stdin=request.stdin, check=False)
        except CommandTimeout as error:
            raise CommandTimeout(
                f"{request.command[0]} did not finish within {request.timeout_s:g} s and was ended",
                command=request.command,
                details=error.details,
            ) from error
        return ExecResult(exit_status(done.status), done.output, done.errors)

    # -- parameters ------------------------------------------------------------------------------------------------

    @hookimpl
    def assess_parameters(self, parameters: _Parameters) -> tuple[str, ...]:
        """Warn of every failure that the parameters ask for."""
        return assess(parameters)

    # -- helpers ---------------------------------------------------------------------------------------------------

    def _machine(self, name: str) -> Machine:
        return Machine(self.context, name)

    def _recover_one(self, name: str) -> Recovery | None:
        machine = self._machine(name)
        # A look without the lock first: nobody shall find a healthy instance busy because of a recovery.
        if not found_half_done(machine):
            return None
        with self.context.locks.hold(name, "recover"):
            return settle(machine)
