"""What a management tool calls: the contract's verbs with defaults, checks and the instance's lock."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hvcore.errors import InstanceNotFound, InvalidInput
from hvcore.locking import instance_lock
from hvcore.model.names import check_instance_name
from hvcore.spec.configuration import ConfigurationSpec
from hvcore.spec.files import FilesSpec
from hvcore.spec.inventory import InventorySpec
from hvcore.spec.lifecycle import LifecycleSpec
from hvcore.spec.node import NodeSpec
from hvcore.spec.notices import NoticesSpec
from hvcore.spec.params import ParamsSpec
from hvcore.verbs import (
    ConfigurationVerbs,
    ConsoleVerbs,
    DeviceVerbs,
    MigrationVerbs,
    ParameterVerbs,
    name_of,
    naming_errors,
)
from hvcore.watching import WatchVerbs

# The models are imported where they are made: a listing needs one of them.
if TYPE_CHECKING:
    from hvcore.context import DriverContext
    from hvcore.model.capability import Capability
    from hvcore.model.files import AncillaryFiles
    from hvcore.model.info import InstanceInfo
    from hvcore.model.instance import BlockDevice, Instance
    from hvcore.model.node import NodeInfo
    from hvcore.model.parameters import ParameterValue
    from hvcore.model.plan import ChangePlan, StartPlan
    from hvcore.model.recovery import RecoveryReport
    from hvcore.model.verify import VerifyReport
    from hvcore.plugin import HypervisorPlugin
    from hvcore.scope import Scope

    _Parameters = Mapping[str, ParameterValue]

__all__ = ["Hypervisor"]

_FORCED_STOP_WAIT_S = 60.0


@naming_errors
class Hypervisor(WatchVerbs, ConsoleVerbs, ParameterVerbs, MigrationVerbs, DeviceVerbs, ConfigurationVerbs):
    """One hypervisor of a node.

    Every verb that takes an instance takes its definition or its name; a name finds the definition that the instance was
    started with. Verbs that change an instance hold its lock, and raise ``Busy`` at once when somebody else does.
    Every error is a ``HypervisorError`` that names hypervisor, operation and instance.

    Args:
        plugin: the plugin that brought it.
        scope: its sealed scope.
        context: its driver's surroundings.
    """

    def __init__(self, plugin: HypervisorPlugin, scope: Scope, context: DriverContext) -> None:
        self.name = plugin.name
        self.summary = plugin.summary
        self.scope = scope
        self.context = context

    def __repr__(self) -> str:
        return f"<Hypervisor {self.name}>"

    # -- life cycle ------------------------------------------------------------------------------------------------

    def start_instance(
        self, instance: Instance, block_devices: Iterable[BlockDevice] = (), startup_paused: bool = False
    ) -> None:
        """Start an instance and return once it really runs.

        Args:
            instance: its definition; parameters that it does not set get their defaults.
            block_devices: where the node finds the disks; without any, each disk's own path.
            startup_paused: freeze it before the first instruction of its init.

        Raises:
            InvalidParameter: a parameter fails its check.
            AlreadyRunning: an instance of that name runs.
            Busy: another process works on it.
            OperationFailed: a step failed; every step was undone.
        """
        ready = self.prepare_instance(instance)
        self.scope.command(ParamsSpec.validate_parameters, parameters=ready.parameters)
        with self._locked(ready.name, "start_instance"), self._events.starting(ready.name, startup_paused):
            self.scope.command(
                LifecycleSpec.start_instance,
                instance=ready,
                block_devices=_devices(ready, block_devices),
                startup_paused=startup_paused,
            )
        self.scope.notify(NoticesSpec.instance_started, instance=ready)

    def plan_start(
        self, instance: Instance, block_devices: Iterable[BlockDevice] = (), startup_paused: bool = False
    ) -> StartPlan:
        """Say what ``start_instance`` would do with the same arguments, without touching anything.

        Raises:
            InvalidParameter: a parameter fails its check.
            OperationFailed: the start could not be planned.
        """
        ready = self.prepare_instance(instance)
        return self.scope.command(
            LifecycleSpec.plan_start,
            instance=ready,
            block_devices=_devices(ready, block_devices),
            startup_paused=startup_paused,
        )

    def plan_change(self, instance: Instance, block_devices: Iterable[BlockDevice] = ()) -> ChangePlan:
        """Say what of a running instance is not as a definition says, and what would need a restart.

        Raises:
            InvalidParameter: a parameter fails its check.
            NotRunning: it does not run.
            OperationFailed: the comparison could not be made.
        """
        ready = self.prepare_instance(instance)
        return self.scope.command(
            ConfigurationSpec.plan_change, instance=ready, block_devices=_devices(ready, block_devices)
        )

    def verify_instance(self, instance: Instance | str) -> bool:
        """Tell whether a running instance has all its runtime configuration; if not, call ``restore_instance``."""
        return self.scope.command(LifecycleSpec.verify_instance, instance=self._definition(instance))

    def restore_instance(self, instance: Instance | str, block_devices: Iterable[BlockDevice] = ()) -> None:
        """Make a running instance's lost runtime configuration again."""
        with self._held(instance, "restore_instance") as known:
            self.scope.command(
                LifecycleSpec.restore_instance, instance=known, block_devices=_devices(known, block_devices)
            )

    def stop_instance(
        self,
        instance: Instance | str | None = None,
        force: bool = False,
        retry: bool = False,
        name: str | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Stop an instance: ask its init and wait, or end it at once. One that does not run is no error.

        A forced stop overtakes a soft one that still waits for the guest.

        Args:
            instance: its definition or its name.
            force: end it without asking.
            retry: it was asked before in the same shutdown.
            name: its name, when ``instance`` is None.
            timeout_s: seconds to wait for the guest, 0 or more; None leaves it to the hypervisor.

        Raises:
            InvalidInput: there is no name, or two that differ, or the time is none.
            StopTimeout: the guest was asked and still runs.
            Busy: another process works on it.
            OperationFailed: a step failed.
        """
        given = name if instance is None else instance
        if given is None:
            raise InvalidInput("stop_instance needs an instance or a name", key="name", allowed="an instance's name")
        wanted = name_of(given)
        if name not in {None, wanted}:
            raise InvalidInput(f"the instance is {wanted}, not {name}", key="name", value=name, allowed=wanted)
        if timeout_s is not None and not 0 <= timeout_s < float("inf"):
            raise InvalidInput(
                f"{timeout_s:g} s is no time to wait", key="timeout_s", value=timeout_s, allowed="0 s or more"
            )
        definition = None if isinstance(given, str) else self.prepare_instance(given)
        wait_s = _FORCED_STOP_WAIT_S if force else 0
        with self._locked(wanted, "stop_instance", wait_s), self._events.stopping(wanted, force):
            self.scope.command(
                LifecycleSpec.stop_instance,
                instance=definition,
                name=wanted,
                force=force,
                retry=retry,
                timeout_s=timeout_s,
            )
        self.scope.notify(NoticesSpec.instance_stopped, instance_name=wanted)

    def cleanup_instance(self, instance_name: str) -> None:
        """Remove what an instance that no longer runs has left on the node; may run any number of times."""
        wanted = check_instance_name(instance_name)
        with self._locked(wanted, "cleanup_instance"):
            self.scope.command(LifecycleSpec.cleanup_instance, instance_name=wanted)

    def reboot_instance(self, instance: Instance | str) -> None:
        """Restart the guest of a running instance and return once it runs again."""
        with self._held(instance, "reboot_instance") as known, self._events.rebooting(known.name):
            self.scope.command(LifecycleSpec.reboot_instance, instance=known)
        self.scope.notify(NoticesSpec.instance_started, instance=known)

    def pause_instance(self, instance: Instance | str) -> None:
        """Take the CPU away from a running instance; pausing a paused one changes nothing."""
        wanted = name_of(instance)
        with self._locked(wanted, "pause_instance"):
            self.scope.command(LifecycleSpec.pause_instance, instance_name=wanted)
            self._events.paused(wanted)

    def resume_instance(self, instance: Instance | str) -> None:
        """Give a paused instance its CPU back; resuming a running one changes nothing."""
        wanted = name_of(instance)
        with self._locked(wanted, "resume_instance"):
            self.scope.command(LifecycleSpec.resume_instance, instance_name=wanted)
            self._events.resumed(wanted)

    def balloon_instance_memory(self, instance: Instance | str, memory_mib: int) -> None:
        """Change the memory of a running instance.

        Args:
            instance: its definition or its name.
            memory_mib: the new size in MiB, 1 or more.

        Raises:
            OperationFailed: the kernel refused; the old limits are in force again.
        """
        from attrs import evolve

        with self._held(instance, "balloon_instance_memory") as known:
            evolve(known, memory_mib=memory_mib, memory_min_mib=None)  # the same bounds as in a definition
            self.scope.command(LifecycleSpec.balloon_instance_memory, instance=known, memory_mib=memory_mib)

    def recover(self, instance_name: str | None = None) -> RecoveryReport:
        """Undo or finish what a killed manager left half done, of one instance or of all."""
        wanted = None if instance_name is None else check_instance_name(instance_name)
        known = self._events.up() if wanted is None else (wanted,)
        # First those that ended by themselves, while what they have left still tells why; then what was undone.
        self._events.settle(*known)
        report = self.scope.command(LifecycleSpec.recover, instance_name=wanted)
        self._events.settle(*known)
        return report

    # -- inventory -------------------------------------------------------------------------------------------------

    def list_instances(self, parameters: _Parameters | None = None) -> tuple[str, ...]:
        """Name the instances that run, sorted; paused ones count."""
        return self.scope.command(InventorySpec.list_instances, parameters=parameters)

    def get_instance_info(self, instance: Instance | str, parameters: _Parameters | None = None) -> InstanceInfo | None:
        """Describe one running instance as the kernel sees it now; None when it does not run."""
        return self.scope.command(
            InventorySpec.get_instance_info, instance_name=name_of(instance), parameters=parameters
        )

    def get_all_instances_info(self, parameters: _Parameters | None = None) -> tuple[InstanceInfo, ...]:
        """Describe every running instance, sorted by name."""
        return self.scope.command(InventorySpec.get_all_instances_info, parameters=parameters)

    def get_instance_definition(self, instance_name: str) -> Instance | None:
        """Return the definition that an instance was started with, or None when nothing is known of that name."""
        return self.scope.command(
            InventorySpec.get_instance_definition, instance_name=check_instance_name(instance_name)
        )

    def get_node_info(self, parameters: _Parameters | None = None) -> NodeInfo:
        """Describe the node's memory (MiB) and processors."""
        return self.scope.command(InventorySpec.get_node_info, parameters=parameters)

    def verify(self, parameters: _Parameters | None = None) -> VerifyReport:
        """Check that the node can run this hypervisor's instances, without changing anything."""
        return self.scope.command(InventorySpec.verify, parameters=parameters)

    def capabilities(self) -> tuple[Capability, ...]:
        """Say of every operation of the contract whether it is supported on this node as it is now.

        Returns:
            One entry per operation, those of the hypervisor's own steps included: ``yes``, or ``limited`` or ``no`` with the
            reason and what to do. Nothing is changed to find out.

        Raises:
            HookFailed: the driver speaks of an operation that there is not.
            OperationFailed: the node could not be looked at.
        """
        from hvcore.capabilities import capabilities_of

        return capabilities_of(self.scope)

    # -- definitions, files, node ----------------------------------------------------------------------------------

    def prepare_instance(self, instance: Instance) -> Instance:
        """Return a definition with every parameter filled in and its syntax checked.

        Raises:
            InvalidInput: it is meant for another hypervisor.
            InvalidParameter: a parameter fails its check.
        """
        if instance.hypervisor != self.name:
            raise InvalidInput(
                f"{instance.name} is an instance of {instance.hypervisor}, not of {self.name}",
                key="hypervisor",
                value=instance.hypervisor,
                allowed=self.name,
            )
        from attrs import evolve

        filled = self.fill_parameters(instance.parameters)
        self.scope.command(ParamsSpec.check_parameter_syntax, parameters=filled)
        return evolve(instance, parameters=filled)

    def get_ancillary_files(self) -> AncillaryFiles:
        """Name the files that must be identical on all nodes."""
        return self.scope.command(FilesSpec.get_ancillary_files)

    def powercycle_node(self, *, confirmed: bool = False, parameters: _Parameters | None = None) -> None:
        """Reset the node at once, without stopping instances or syncing disks.

        Args:
            confirmed: must be True; everything that runs on the node is lost.
            parameters: the hypervisor's parameters, or None for its defaults.

        Raises:
            InvalidInput: it was not confirmed.
            OperationFailed: the node could not be reset.
        """
        if confirmed is not True:
            raise InvalidInput(
                "a powercycle loses everything that runs on the node and must be confirmed",
                key="confirmed",
                value=confirmed,
                allowed="True",
            )
        self.scope.command(NodeSpec.powercycle_node, parameters=parameters)

    # -- helpers ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self, name: str, operation: str, wait_s: float = 0) -> Generator[None]:
        with instance_lock(self.scope, self.context.locks, name, operation, wait_s):
            self._events.settle(name)
            yield

    def _definition(self, instance: Instance | str) -> Instance:
        if not isinstance(instance, str):
            return self.prepare_instance(instance)
        known = self.get_instance_definition(instance)
        if known is None:
            raise InstanceNotFound(
                f"there is no instance {instance!r}",
                hypervisor=self.name,
                instance=instance,
                resolution="'hv list' names those that run",
            )
        return known

    @contextmanager
    def _held(self, instance: Instance | str, operation: str) -> Generator[Instance]:
        # Looked up under the lock: until then, another process may start it anew from another definition.
        with self._locked(name_of(instance), operation):
            yield self._definition(instance)


def _devices(instance: Instance, given: Iterable[BlockDevice]) -> tuple[BlockDevice, ...]:
    from hvcore.model.disk import BlockDevice

    return tuple(given) or tuple(BlockDevice(disk=disk, path=disk.path) for disk in instance.disks)
