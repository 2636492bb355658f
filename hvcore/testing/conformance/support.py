"""What a hypervisor says that it does not support, and whether that is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hvcore.errors import HypervisorError, MissingRequirement, Unsupported, one_line
from hvcore.hypervisor import Hypervisor
from hvcore.model.capability import Support
from hvcore.model.devices import DeviceAction, DeviceType
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.spec.events import EventsSpec
from hvcore.testing.conformance.promise import BrokenPromise

__all__ = ["NEVER_CALLED", "PROBES", "why_unsupported"]

NEVER_CALLED = frozenset({"powercycle_node"})
"""Operations that the suite never calls, whatever a hypervisor says of them."""

_DISK = Disk("/nonexistent/disk")

# Whoever does not support an operation says so before it looks at the arguments, so nothing needs to run.
PROBES: Mapping[str, Callable[[Hypervisor, Instance], Any]] = {
    "start_instance": lambda h, i: h.start_instance(i),
    "plan_start": lambda h, i: h.plan_start(i),
    "verify_instance": lambda h, i: h.verify_instance(i),
    "restore_instance": lambda h, i: h.restore_instance(i),
    "stop_instance": lambda h, i: h.stop_instance(i, force=True),
    "cleanup_instance": lambda h, i: h.cleanup_instance(i.name),
    "reboot_instance": lambda h, i: h.reboot_instance(i),
    "pause_instance": lambda h, i: h.pause_instance(i),
    "resume_instance": lambda h, i: h.resume_instance(i),
    "balloon_instance_memory": lambda h, i: h.balloon_instance_memory(i, i.memory_mib),
    "recover": lambda h, i: h.recover(i.name),
    "list_instances": lambda h, i: h.list_instances(),
    "get_instance_info": lambda h, i: h.get_instance_info(i),
    "get_all_instances_info": lambda h, i: h.get_all_instances_info(),
    "get_instance_definition": lambda h, i: h.get_instance_definition(i.name),
    "get_instance_stats": lambda h, i: h.instance_stats(i),
    "get_all_instances_stats": lambda h, i: h.all_instances_stats(),
    "watch_guest": lambda h, i: h.scope.command(EventsSpec.watch_guest, instance_name=i.name),
    "get_guest_end": lambda h, i: h.scope.command(EventsSpec.get_guest_end, instance_name=i.name),
    "get_node_info": lambda h, i: h.get_node_info(),
    "verify": lambda h, i: h.verify(),
    "capabilities": lambda h, i: h.capabilities(),
    "get_instance_console": lambda h, i: h.get_instance_console(i),
    "exec_in_instance": lambda h, i: h.exec_in_instance(i, ["true"]),
    "can_migrate": lambda h, i: h.can_migrate,
    "versions_safe_for_migration": lambda h, i: h.versions_safe_for_migration((1,), (1,)),
    "migration_info": lambda h, i: h.migration_info(i),
    "accept_instance": lambda h, i: h.accept_instance(i, "", "localhost"),
    "migrate_instance": lambda h, i: h.migrate_instance(i, "localhost"),
    "get_migration_status": lambda h, i: h.get_migration_status(i),
    "finalize_migration_source": lambda h, i: h.finalize_migration_source(i, success=False),
    "finalize_migration_dst": lambda h, i: h.finalize_migration_dst(i, "", success=False),
    "get_ancillary_files": lambda h, i: h.get_ancillary_files(),
    "get_parameters": lambda h, i: h.parameters,
    "check_parameter_syntax": lambda h, i: h.check_parameter_syntax(i.parameters),
    "validate_parameters": lambda h, i: h.validate_parameters(i.parameters),
    "assess_parameters": lambda h, i: h.assess_parameters(i.parameters),
    "resize_disk": lambda h, i: h.resize_disk(i, _DISK, 1 << 30),
    "hot_add_device": lambda h, i: h.hot_add_device(i, DeviceType.DISK, _DISK, 1),
    "hot_del_device": lambda h, i: h.hot_del_device(i, DeviceType.DISK, _DISK, 1),
    "hot_mod_device": lambda h, i: h.hot_mod_device(i, DeviceType.DISK, _DISK, 1),
    "verify_hotplug_support": lambda h, i: h.verify_hotplug_support(i, DeviceAction.ADD, DeviceType.DISK),
    "lint_configuration": lambda h, i: h.lint_configuration("", "/nonexistent/config"),
    "translate_configuration": lambda h, i: h.translate_configuration("", "/nonexistent/config"),
    "plan_change": lambda h, i: h.plan_change(i),
    "hotplug_supported": lambda h, i: h.hotplug_supported(i),
}
"""How each operation is called on an instance that does not run."""


def why_unsupported(hypervisor: Hypervisor, operation: str, instance: Instance) -> str | None:
    """Return why an operation is not supported, once the hypervisor has proved it; None when it is supported.

    Args:
        hypervisor: the hypervisor.
        operation: the operation of the contract.
        instance: an instance that does not run.

    Raises:
        BrokenPromise: it is declared unsupported, and answers all the same; or nothing is said of it.
    """
    declared = {capability.operation: capability for capability in hypervisor.capabilities()}.get(operation)
    if declared is None:
        raise BrokenPromise(f"capabilities() does not mention {operation}")
    if declared.support is not Support.NO:
        return None
    if operation not in NEVER_CALLED:
        _prove(operation, PROBES[operation], hypervisor, instance)
    return declared.reason or f"{hypervisor.name} does not support {operation}"


def _prove(
    operation: str, probe: Callable[[Hypervisor, Instance], Any], hypervisor: Hypervisor, instance: Instance
) -> None:
    try:
        probe(hypervisor, instance)
    except (Unsupported, MissingRequirement) as error:
        # The driver does not have it, or has it and not on this node.
        if error.operation == operation:
            return
        raise BrokenPromise(
            f"{operation} is declared unsupported, and the error of a call is about {error.operation}"
        ) from error
    except HypervisorError as error:
        raise BrokenPromise(f"{operation} is declared unsupported, and a call failed with {one_line(error)}") from error
    raise BrokenPromise(f"{operation} is declared unsupported, and a call succeeded")
