"""The driver: the contract's answers, each handed to the file that knows.

Migration and hotplug are not answered, and are thereby declared unsupported.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attrs import evolve

from hvcore import Instance, InstanceConsole, InstanceInfo, InstanceState, Node, NodeInfo, VerifyReport, linux_node_info
from hvcore.errors import NotRunning, OperationFailed
from hvcore.plugin import (
    BaseHypervisor,
    BlockDevice,
    ConsoleKind,
    ExecRequest,
    ExecResult,
    ParameterValue,
    RecoveryReport,
    StartPlan,
    hookimpl,
)
from hvcore.system import Definition, known_names, load_definition, write_file
from hvcore_nspawn.command import console_command, enter_command
from hvcore_nspawn.execution import execute, forbidden_capabilities
from hvcore_nspawn.groups import Groups
from hvcore_nspawn.lifecycle import Lifecycle
from hvcore_nspawn.node import findings, nspawn_version
from hvcore_nspawn.params import PARAMETERS
from hvcore_nspawn.places import Places

__all__ = ["NspawnDriver"]

_Parameters = Mapping[str, ParameterValue] | None


class NspawnDriver(BaseHypervisor):
    """Linux containers, through systemd-nspawn; systemd itself need not run on the node."""

    PARAMETERS = PARAMETERS

    # -- life cycle ------------------------------------------------------------------------------------------------

    @hookimpl
    def start_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> None:
        """Mount the disks, make the cgroup and start the guest."""
        definition = Definition(instance, block_devices, startup_paused)
        self._lifecycle.start(definition, self.startup_memory_mib(instance))

    @hookimpl
    def plan_start(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> StartPlan:
        """List the steps of a start, with the command line."""
        return self._lifecycle.plan(Definition(instance, block_devices, startup_paused))

    @hookimpl
    def stop_instance(
        self, instance: Instance | None, name: str, force: bool, retry: bool, timeout_s: float | None
    ) -> None:
        """Signal the guest's init and wait, or end it at once."""
        self._lifecycle.stop(name, force, retry, timeout_s)

    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        """Undo what is left of a start."""
        self._lifecycle.clean_up(instance_name)

    @hookimpl
    def reboot_instance(self, instance: Instance) -> None:
        """Shut the guest down and start it again."""
        self._lifecycle.reboot(instance.name)

    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        """Freeze the cgroup."""
        self._lifecycle.require_running(instance_name)
        self._groups.freeze(instance_name)

    @hookimpl
    def resume_instance(self, instance_name: str) -> None:
        """Thaw the cgroup."""
        self._lifecycle.require_running(instance_name)
        self._groups.thaw(instance_name)

    @hookimpl
    def balloon_instance_memory(self, instance: Instance, memory_mib: int) -> None:
        """Change the limits of memory and swap."""
        self._lifecycle.require_running(instance.name)
        self._groups.set_memory(instance.name, memory_mib)

    @hookimpl
    def verify_instance(self, instance: Instance) -> bool:
        """Tell whether the saved definition is there."""
        return self._places.definition(instance.name).is_file()

    @hookimpl
    def restore_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> None:
        """Save the definition again."""
        self._lifecycle.require_running(instance.name)
        write_file(self._places.definition(instance.name), Definition(instance, block_devices).to_json())

    @hookimpl
    def recover(self, instance_name: str | None) -> RecoveryReport:
        """Undo starts that were cut short, and forget guests that have ended."""
        known = known_names(self._places.state_dir, self.context.locks.directory)
        names = known if instance_name is None else (instance_name,)
        found = [self._lifecycle.recover(name) for name in names]
        return RecoveryReport(self.context.name, tuple(recovery for recovery in found if recovery is not None))

    # -- inventory -------------------------------------------------------------------------------------------------

    @hookimpl
    def list_instances(self, parameters: _Parameters) -> tuple[str, ...]:
        """Name the cgroups that have a guest."""
        return self._groups.names()

    @hookimpl
    def get_instance_info(self, instance_name: str, parameters: _Parameters) -> InstanceInfo | None:
        """Read the cgroup's files."""
        return self._groups.describe(instance_name, self.context.name)

    @hookimpl
    def get_all_instances_info(self, parameters: _Parameters) -> tuple[InstanceInfo, ...]:
        """Read every cgroup's files."""
        found = (self._groups.describe(name, self.context.name) for name in self._groups.names())
        return tuple(info for info in found if info is not None)

    @hookimpl
    def get_instance_definition(self, instance_name: str) -> Instance | None:
        """Read the definition that was saved at the start."""
        saved = load_definition(self._places.definition(instance_name))
        return None if saved is None else saved.instance

    @hookimpl
    def get_node_info(self, parameters: _Parameters) -> NodeInfo:
        """Ask Linux, and systemd-nspawn for its version."""
        return evolve(linux_node_info(), hv_version=nspawn_version(self.context.runner))

    @hookimpl
    def verify(self, parameters: _Parameters) -> VerifyReport:
        """Look for root, the tools and the cgroup controllers."""
        return VerifyReport(self.context.name, findings(self.context.runner))

    # -- console ---------------------------------------------------------------------------------------------------

    @hookimpl
    def get_instance_console(self, instance: Instance, primary_node: Node) -> InstanceConsole:
        """Name the command that opens a shell in the guest, to be run on the node."""
        return InstanceConsole(
            instance=instance.name,
            kind=ConsoleKind.SSH,
            host=primary_node.name,
            port=primary_node.ssh_port,
            user="root",
            command=console_command(instance.name, self._groups.directories(instance.name)[0]),
        )

    @hookimpl
    def exec_in_instance(self, instance_name: str, request: ExecRequest) -> ExecResult:
        """Enter the guest's namespaces and cgroup, and run it there."""
        command = self._enter(instance_name, request.command, request.environment, request.working_directory)
        info = self._groups.describe(instance_name, self.context.name)
        if info is not None and info.state is InstanceState.PAUSED:
            raise OperationFailed(
                f"{instance_name} is paused, so nothing can run in it", resolution=f"'hv resume {instance_name}' first"
            )
        return execute(self.context.runner, command, request)

    # -- helpers ---------------------------------------------------------------------------------------------------

    def _enter(
        self, name: str, command: tuple[str, ...], environment: Mapping[str, str], directory: str
    ) -> tuple[str, ...]:
        leader = self._groups.leader(name)
        if leader is None:
            raise NotRunning(f"{name} does not run", resolution="'hv list' names those that run")
        groups, forbidden = self._groups.directories(name), forbidden_capabilities(leader)
        return enter_command(command, leader, groups, environment, directory, forbidden)

    @cached_property
    def _places(self) -> Places:
        return Places.of(self.context)

    @cached_property
    def _groups(self) -> Groups:
        return Groups(self._places)

    @cached_property
    def _lifecycle(self) -> Lifecycle:
        return Lifecycle(self.context, self._places, self._groups)
