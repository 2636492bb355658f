"""The driver: the contract's answers, each handed to the file that knows."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from hvcore.model.info import InstanceInfo
from hvcore.model.state import InstanceState
from hvcore.plugin import BaseHypervisor, hookimpl
from hvcore.system.kept_files import KeptFiles
from hvcore_lxc.node import find_init
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.spec import LxcSteps

# What starts and stops containers is imported when it is first needed: a listing needs none of it.
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvcore.model.capability import Capability
    from hvcore.model.console import InstanceConsole
    from hvcore.model.event import GuestEnd
    from hvcore.model.execution import ExecRequest, ExecResult
    from hvcore.model.instance import BlockDevice, Instance
    from hvcore.model.lint import LintFinding, Translation
    from hvcore.model.node import Node, NodeInfo
    from hvcore.model.parameters import Parameter, ParameterValue
    from hvcore.model.plan import ChangePlan, StartPlan
    from hvcore.model.recovery import RecoveryReport
    from hvcore.model.stats import InstanceStats
    from hvcore.model.verify import VerifyReport
    from hvcore.system.guest_watch import GuestWatch
    from hvcore.system.kept_files import Look
    from hvcore_lxc.cgroup_manager import CgroupManager, Usage
    from hvcore_lxc.lifecycle import Lifecycle

__all__ = ["LxcDriver"]


class LxcDriver(BaseHypervisor):
    """Linux containers, through LXC."""

    def declared_parameters(self) -> tuple[Parameter, ...]:
        """Return LXC's parameters, imported late."""
        from hvcore_lxc.params import PARAMETERS

        return PARAMETERS

    # -- life cycle ------------------------------------------------------------------------------------------------

    @hookimpl
    def start_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> None:
        """Mount, configure and start a container."""
        from hvcore_lxc.requirements import require_root_and_tools

        require_root_and_tools()
        self._lifecycle.start(instance, block_devices, startup_paused)

    @hookimpl
    def plan_start(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> StartPlan:
        """List the steps of a start and render its configuration."""
        from hvcore_lxc.plan import plan_of

        return plan_of(self._lifecycle, instance, block_devices, startup_paused)

    @hookimpl
    def stop_instance(
        self, instance: Instance | None, name: str, force: bool, retry: bool, timeout_s: float | None
    ) -> None:
        """Ask the guest's init, or end the container."""
        self._lifecycle.stop(name, force, retry, timeout_s)

    @hookimpl
    def cleanup_instance(self, instance_name: str) -> None:
        """Undo what is left of a start."""
        self._lifecycle.clean_up(instance_name)

    @hookimpl
    def reboot_instance(self, instance: Instance) -> None:
        """Shut the guest down and start the container again, which needs no ``sys_boot``."""
        self._lifecycle.reboot(instance.name)

    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        """Freeze the container's cgroup."""
        self._lifecycle.while_running(instance_name, lambda: self._cgroups.freeze(instance_name))

    @hookimpl
    def resume_instance(self, instance_name: str) -> None:
        """Thaw the container's cgroup."""
        self._lifecycle.while_running(instance_name, lambda: self._cgroups.thaw(instance_name))

    @hookimpl
    def balloon_instance_memory(self, instance: Instance, memory_mib: int) -> None:
        """Change the limits of memory and swap."""
        self._lifecycle.while_running(instance.name, lambda: self._cgroups.set_memory(instance.name, memory_mib))

    @hookimpl
    def verify_instance(self, instance: Instance) -> bool:
        """Tell whether the saved definition and the configuration are there."""
        paths = self._paths
        return paths.definition(instance.name).is_file() and paths.config(instance.name).is_file()

    @hookimpl
    def restore_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> None:
        """Write the saved definition and the configuration again."""
        from hvcore_lxc.restore import restore

        restore(self._lifecycle, instance, block_devices)

    @hookimpl
    def recover(self, instance_name: str | None) -> RecoveryReport:
        """Undo starts and stops that were cut short, and forget guests that have ended."""
        from hvcore.model.recovery import RecoveryReport
        from hvcore.system.bookkeeping import known_names

        names = (instance_name,) if instance_name else known_names(self._paths.lxcpath, self.context.locks.directory)
        found = (self._lifecycle.recover(name) for name in names)
        return RecoveryReport(self.context.name, tuple(recovery for recovery in found if recovery is not None))

    # -- inventory -------------------------------------------------------------------------------------------------

    @hookimpl
    def list_instances(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[str, ...]:
        """Name the containers whose cgroup has processes."""
        return self._cgroups.names()

    @hookimpl
    def get_instance_info(
        self, instance_name: str, parameters: Mapping[str, ParameterValue] | None
    ) -> InstanceInfo | None:
        """Read the container's cgroup files."""
        usage = self._cgroups.usage(instance_name)
        return None if usage is None else self._info(usage)

    @hookimpl
    def get_all_instances_info(self, parameters: Mapping[str, ParameterValue] | None) -> tuple[InstanceInfo, ...]:
        """Read every container's cgroup files, in one pass."""
        with self._kept.look() as look:
            return tuple(self._info(usage, look) for usage in self._cgroups.all_usage())

    @hookimpl
    def get_instance_stats(self, instance_name: str) -> InstanceStats | None:
        """Read the container's cgroup files and the counters of its NICs."""
        from hvcore_lxc.stats import measure

        usage = self._cgroups.usage(instance_name)
        return next(iter(measure(self._cgroups, self._paths, self.context.name, [usage] if usage else [])), None)

    @hookimpl
    def get_all_instances_stats(self) -> tuple[InstanceStats, ...]:
        """Read every container's, in one pass."""
        from hvcore_lxc.stats import measure

        return measure(self._cgroups, self._paths, self.context.name, self._cgroups.all_usage())

    @hookimpl
    def get_instance_definition(self, instance_name: str) -> Instance | None:
        """Read the definition that was saved at the start."""
        from hvcore_lxc.steps import load_definition

        saved = load_definition(self._paths.definition(instance_name))
        return None if saved is None else saved.instance

    @hookimpl
    def get_node_info(self, parameters: Mapping[str, ParameterValue] | None) -> NodeInfo:
        """Ask Linux, and LXC for its version."""
        from attrs import evolve

        from hvcore.system.node import linux_node_info
        from hvcore_lxc.tools import lxc_version

        return evolve(linux_node_info(), hv_version=lxc_version(self.context.runner))

    @hookimpl
    def verify(self, parameters: Mapping[str, ParameterValue] | None) -> VerifyReport:
        """Look for root, LXC's tools and the cgroup controllers."""
        from hvcore_lxc.requirements import examine

        return examine(self.context, self._paths)

    @hookimpl
    def capabilities(self) -> tuple[Capability, ...]:
        """Name what root, tools, cgroup controllers and loop devices are missed for."""
        from hvcore_lxc.cgroups import DefaultCgroups
        from hvcore_lxc.limits import limits

        return limits(self.context, self._cgroups.layout if isinstance(self._cgroups, DefaultCgroups) else None)

    # -- events ----------------------------------------------------------------------------------------------------

    @hookimpl
    def watch_guest(self, instance_name: str) -> GuestWatch | None:
        """Watch over the container's init."""
        from hvcore_lxc.guest_end import watch

        return watch(self._lifecycle.container(instance_name))

    @hookimpl
    def get_guest_end(self, instance_name: str) -> GuestEnd | None:
        """Read LXC's log, and the kernel's for want of memory."""
        from hvcore_lxc.guest_end import find_end

        return find_end(self._lifecycle.container(instance_name))

    # -- console ---------------------------------------------------------------------------------------------------

    @hookimpl
    def get_instance_console(self, instance: Instance, primary_node: Node) -> InstanceConsole:
        """Name the lxc-console command to run on the node."""
        from hvcore.model.console import ConsoleKind, InstanceConsole
        from hvcore_lxc.tools import console_command

        has_ttys = bool(instance.parameters.get("num_ttys"))
        return InstanceConsole(
            instance=instance.name,
            kind=ConsoleKind.SSH,
            host=primary_node.name,
            port=primary_node.ssh_port,
            user="root",
            command=console_command(str(self._paths.lxcpath), instance.name, has_ttys),
        )

    @hookimpl
    def exec_in_instance(self, instance_name: str, request: ExecRequest) -> ExecResult:
        """Run a command through lxc-attach."""
        from hvcore.errors import NotRunning, OperationFailed
        from hvcore_lxc.execution import execute

        usage = self._cgroups.usage(instance_name)
        if usage is None:
            raise NotRunning(f"{instance_name} does not run", resolution="'hv list' names those that run")
        if usage.state is InstanceState.PAUSED:
            raise OperationFailed(
                f"{instance_name} is paused, so nothing can run in it", resolution=f"'hv resume {instance_name}' first"
            )
        return execute(self.context.runner, self._paths, self._cgroups, instance_name, request)

    # -- configuration ---------------------------------------------------------------------------------------------

    @hookimpl
    def lint_configuration(self, text: str, path: str) -> tuple[LintFinding, ...]:
        """Compare a configuration with LXC's keys, and with what the node has."""
        from hvcore_lxc.lint.facts import NodeFacts
        from hvcore_lxc.lint.linter import lint

        made_at_start = (str(self._paths.lxcpath), str(self._paths.log_dir))
        return lint(text, path, NodeFacts.of_node(self.context.runner, made_at_start))

    @hookimpl
    def translate_configuration(self, text: str, path: str) -> Translation:
        """Rename the keys of LXC before 2.1, and the files of cgroup version 1."""
        from hvcore_lxc.lint.translate import translate

        return translate(text, path)

    @hookimpl
    def plan_change(self, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> ChangePlan:
        """Compare a definition with the saved one, and its configuration with the one that LXC reads."""
        from hvcore_lxc.changes import plan_change

        return plan_change(self._lifecycle, instance, block_devices)

    # -- helpers ---------------------------------------------------------------------------------------------------

    @cached_property
    def _paths(self) -> LxcPaths:
        return LxcPaths.of(self.context)

    @cached_property
    def _cgroups(self) -> CgroupManager:
        return self.context.scope.choose(LxcSteps.lxc_cgroups)

    @cached_property
    def _lifecycle(self) -> Lifecycle:
        from hvcore_lxc.lifecycle import Lifecycle

        return Lifecycle(self.context, self._paths, self._cgroups)

    def _require_running(self, name: str) -> None:
        self._lifecycle.settle(name)
        self._lifecycle.require_running(name)

    @cached_property
    def _kept(self) -> KeptFiles:
        return KeptFiles()

    def _info(self, usage: Usage, look: Look | None = None) -> InstanceInfo:
        return InstanceInfo(
            name=usage.name,
            hypervisor=self.context.name,
            state=usage.state,
            memory_mib=usage.memory_mib,
            vcpus=usage.vcpus,
            cpu_seconds=usage.cpu_seconds,
            pid=find_init(usage.pids, look),
        )
