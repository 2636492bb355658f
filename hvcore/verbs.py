"""The verbs for console, parameters, migration and hotplug, and what all verbs share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from hvcore.calling import CALLING
from hvcore.errors import HypervisorError, InvalidInput
from hvcore.model.names import check_instance_name
from hvcore.spec.configuration import ConfigurationSpec
from hvcore.spec.console import ConsoleSpec
from hvcore.spec.devices import DevicesSpec
from hvcore.spec.migration import MigrationSpec
from hvcore.spec.params import ParamsSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from hvcore.context import DriverContext
    from hvcore.model.console import InstanceConsole
    from hvcore.model.devices import DeviceAction, DeviceType, HotplugExtra
    from hvcore.model.execution import ExecResult
    from hvcore.model.instance import Disk, Instance, Nic
    from hvcore.model.lint import LintFinding, Translation
    from hvcore.model.migration import MigrationStatus
    from hvcore.model.node import Node
    from hvcore.model.parameters import Parameter, ParameterValue
    from hvcore.recording import Recorder
    from hvcore.scope import Scope

__all__ = [
    "ConfigurationVerbs",
    "ConsoleVerbs",
    "DeviceVerbs",
    "MigrationVerbs",
    "ParameterVerbs",
    "Verbs",
    "name_of",
    "naming_errors",
]

P = ParamSpec("P")
R = TypeVar("R")
_Kind = TypeVar("_Kind")

# Verbs that are not called as their hook is; an error names the operation of the contract.
_OPERATIONS = {"instance_stats": "get_instance_stats", "all_instances_stats": "get_all_instances_stats"}


class Verbs:
    """What the verbs stand on; ``Hypervisor`` provides it."""

    name: str
    scope: Scope
    context: DriverContext

    def _definition(self, instance: Instance | str) -> Instance:
        raise NotImplementedError

    def _held(self, instance: Instance | str, operation: str) -> AbstractContextManager[Instance]:
        raise NotImplementedError

    @functools.cached_property
    def _events(self) -> Recorder:
        from hvcore.recording import Recorder
        from hvcore.system.event_log import EventLog

        return Recorder(self.scope, EventLog(self.context.events_dir))


def naming_errors(kind: type[_Kind]) -> type[_Kind]:
    """Let every error that leaves a public method of a class name the hypervisor, that method and the instance."""
    for name in dir(kind):
        method = inspect.getattr_static(kind, name)
        if inspect.isfunction(method) and not name.startswith("_"):
            setattr(kind, name, _naming_errors(method))
    return kind


def _naming_errors(method: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(method)
    def verb(*args: P.args, **kwargs: P.kwargs) -> R:
        # The first argument is the Hypervisor itself.
        outer = CALLING.set(getattr(args[0], "name", ""))
        try:
            return method(*args, **kwargs)
        except HypervisorError as error:
            given = inspect.signature(method).bind(*args, **kwargs).arguments
            named = given.get("instance") or given.get("instance_name") or given.get("name")
            named = named if isinstance(named, str) else getattr(named, "name", None)
            error.add_context(hypervisor=given["self"].name, instance=named if named and named.isprintable() else None)
            # What the caller asked for, not what it took on the way.
            error.operation = _OPERATIONS.get(method.__name__, method.__name__)
            raise
        finally:
            CALLING.reset(outer)

    return verb


def name_of(instance: Instance | str) -> str:
    """Return an instance's name, which is checked where it is given alone."""
    return check_instance_name(instance) if isinstance(instance, str) else instance.name


class ConfigurationVerbs(Verbs):
    """Judging the hypervisor's own configuration files."""

    def lint_configuration(self, text: str, path: str) -> tuple[LintFinding, ...]:
        """Find what is wrong with a configuration in the hypervisor's own format, changing nothing.

        Args:
            text: the configuration.
            path: the file that it comes from or is meant for.
        """
        return self.scope.command(ConfigurationSpec.lint_configuration, text=text, path=path)

    def translate_configuration(self, text: str, path: str) -> Translation:
        """Write an old configuration in the words of the hypervisor's present releases.

        Args:
            text: the configuration.
            path: the file that it comes from.
        """
        return self.scope.command(ConfigurationSpec.translate_configuration, text=text, path=path)


class ConsoleVerbs(Verbs):
    """Doors into a running instance."""

    def get_instance_console(self, instance: Instance | str, primary_node: Node | None = None) -> InstanceConsole:
        """Describe how to reach an instance's console.

        Args:
            instance: its definition or its name.
            primary_node: the node it runs on; None means this one.
        """
        if primary_node is None:
            import os

            from hvcore.model.node import Node

            primary_node = Node(os.uname().nodename)
        known = self._definition(instance)
        return self.scope.command(ConsoleSpec.get_instance_console, instance=known, primary_node=primary_node)

    def exec_in_instance(
        self,
        instance: Instance | str,
        command: Sequence[str],
        *,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        working_directory: str = "",
        timeout_s: float | None = None,
        attached: bool = False,
    ) -> ExecResult:
        """Run a command inside a running instance and wait for its end.

        Args:
            instance: its definition or its name.
            command: the program and its arguments; never a shell line.
            stdin: bytes to feed it; None gives it an empty input.
            environment: variables to set beside the guest's own.
            working_directory: an absolute path in the guest; "" leaves it to the hypervisor.
            timeout_s: seconds it may take, more than 0; None waits for its end.
            attached: connect it to the caller's own streams instead of capturing what it writes.

        Returns:
            Its exit status, and what it wrote.

        Raises:
            InvalidInput: naming the argument that cannot be met.
            NotRunning: the instance does not run.
            CommandTimeout: the command did not end in time and was ended.
        """
        from hvcore.model.execution import ExecRequest

        if isinstance(command, str):
            raise InvalidInput(
                "the command is one text",
                key="command",
                value=command,
                allowed="a list of the program and its arguments",
            )
        request = ExecRequest(
            command=tuple(command),
            stdin=stdin,
            environment=dict(environment or {}),
            working_directory=working_directory,
            timeout_s=timeout_s,
            attached=attached,
        )
        return self.scope.command(ConsoleSpec.exec_in_instance, instance_name=name_of(instance), request=request)


class ParameterVerbs(Verbs):
    """The parameters that the hypervisor declares, and their checks."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters that the hypervisor declares."""
        return self.scope.command(ParamsSpec.get_parameters)

    def fill_parameters(self, *layers: Mapping[str, object]) -> dict[str, ParameterValue]:
        """Return every declared parameter: the defaults, overlaid by each layer in turn and brought to its type."""
        from hvcore.model.parameter_checks import coerce_parameters, fill_parameters

        declared = self.parameters
        return fill_parameters(declared, *(coerce_parameters(declared, layer) for layer in layers))

    def check_parameter_syntax(self, parameters: Mapping[str, object]) -> None:
        """Check parameters without a look at the world; those that are not given have their defaults."""
        self.scope.command(ParamsSpec.check_parameter_syntax, parameters=self.fill_parameters(parameters))

    def validate_parameters(self, parameters: Mapping[str, object]) -> None:
        """Check parameters against this node; those that are not given have their defaults."""
        self.scope.command(ParamsSpec.validate_parameters, parameters=self.fill_parameters(parameters))

    def assess_parameters(self, parameters: Mapping[str, object]) -> tuple[str, ...]:
        """Name what is allowed but unwise about parameters."""
        return self.scope.command(ParamsSpec.assess_parameters, parameters=self.fill_parameters(parameters))


class MigrationVerbs(Verbs):
    """Both sides of a migration; the order of the calls is told in ``hvcore.spec.migration``."""

    @property
    def can_migrate(self) -> bool:
        """Whether this hypervisor can migrate instances at all."""
        return self.scope.command(MigrationSpec.can_migrate)

    def versions_safe_for_migration(self, source: tuple[int, ...], target: tuple[int, ...]) -> bool:
        """Tell whether an instance may move from one version of the hypervisor to another."""
        return self.scope.command(MigrationSpec.versions_safe_for_migration, source=source, target=target)

    def migration_info(self, instance: Instance | str) -> str:
        """Describe a running instance for the target node."""
        return self.scope.command(MigrationSpec.migration_info, instance=self._definition(instance))

    def accept_instance(self, instance: Instance, info: str, target: str) -> None:
        """Prepare this node to receive an instance.

        Args:
            instance: its definition.
            info: what ``migration_info`` said on the source.
            target: this node's address.
        """
        with self._held(instance, "accept_instance") as known:
            self.scope.command(MigrationSpec.accept_instance, instance=known, info=info, target=target)

    def migrate_instance(
        self, instance: Instance | str, target: str, live: bool = True, cluster_name: str = ""
    ) -> None:
        """Begin to move an instance to another node; return once the transfer has begun.

        Args:
            instance: its definition or its name.
            target: the address of the target node.
            live: keep the guest running while it moves.
            cluster_name: the name that the nodes' keys are known under.
        """
        with self._held(instance, "migrate_instance") as known:
            self.scope.command(
                MigrationSpec.migrate_instance, cluster_name=cluster_name, instance=known, target=target, live=live
            )

    def get_migration_status(self, instance: Instance | str) -> MigrationStatus:
        """Tell how far a migration is."""
        return self.scope.command(MigrationSpec.get_migration_status, instance=self._definition(instance))

    def finalize_migration_source(self, instance: Instance | str, success: bool, live: bool = True) -> None:
        """End a migration on the source: forget the instance after success, keep it after failure."""
        with self._held(instance, "finalize_migration_source") as known:
            self.scope.command(MigrationSpec.finalize_migration_source, instance=known, success=success, live=live)
            if success:
                self._events.left(known.name)

    def finalize_migration_dst(self, instance: Instance | str, info: str, success: bool) -> None:
        """End a migration on the target: keep the instance after success, remove every trace after failure."""
        with self._held(instance, "finalize_migration_dst") as known:
            self.scope.command(MigrationSpec.finalize_migration_dst, instance=known, info=info, success=success)
            if success:
                self._events.arrived(known.name)


class DeviceVerbs(Verbs):
    """Changing the devices of a running instance."""

    def resize_disk(self, instance: Instance | str, disk: Disk, new_size_bytes: int) -> None:
        """Tell a running instance that a disk has a new size, in bytes."""
        with self._held(instance, "resize_disk") as known:
            self.scope.command(DevicesSpec.resize_disk, instance=known, disk=disk, new_size_bytes=new_size_bytes)

    def hot_add_device(
        self,
        instance: Instance | str,
        device_type: DeviceType,
        device: Disk | Nic,
        sequence: int,
        extra: HotplugExtra | None = None,
    ) -> str:
        """Add a device to a running instance and return what the hypervisor calls it."""
        return self._change_device(DevicesSpec.hot_add_device, instance, device_type, device, extra, sequence)

    def hot_del_device(
        self,
        instance: Instance | str,
        device_type: DeviceType,
        device: Disk | Nic,
        sequence: int,
        extra: HotplugExtra | None = None,
    ) -> None:
        """Take a device from a running instance."""
        self._change_device(DevicesSpec.hot_del_device, instance, device_type, device, extra, sequence)

    def hot_mod_device(
        self,
        instance: Instance | str,
        device_type: DeviceType,
        device: Disk | Nic,
        sequence: int,
        extra: HotplugExtra | None = None,
    ) -> str:
        """Change a device of a running instance and return what the hypervisor calls it now."""
        return self._change_device(DevicesSpec.hot_mod_device, instance, device_type, device, extra, sequence)

    def verify_hotplug_support(self, instance: Instance | str, action: DeviceAction, device_type: DeviceType) -> None:
        """Check that a running instance can take one kind of change."""
        self.scope.command(
            DevicesSpec.verify_hotplug_support,
            instance=self._definition(instance),
            action=action,
            device_type=device_type,
        )

    def hotplug_supported(self, instance: Instance | str) -> None:
        """Check that a running instance can take any change of devices at all."""
        self.scope.command(DevicesSpec.hotplug_supported, instance=self._definition(instance))

    def _change_device(
        self,
        spec: Callable[[DevicesSpec, Instance, DeviceType, Disk | Nic, HotplugExtra | None, int], R],
        instance: Instance | str,
        device_type: DeviceType,
        device: Disk | Nic,
        extra: HotplugExtra | None,
        sequence: int,
    ) -> R:
        with self._held(instance, spec.__name__) as known:
            return self.scope.command(spec, known, device_type, device, extra, sequence)
