"""What a start would do, in words."""

from __future__ import annotations

from hvcore.model.instance import BlockDevice, Instance
from hvcore.model.plan import PlanStep, StartPlan
from hvcore.system.definitions import Definition
from hvcore_chroot.inside import SystemMounts
from hvcore_chroot.lifecycle import Lifecycle
from hvcore_chroot.params import system_mounts

__all__ = ["plan_of"]


def plan_of(
    lifecycle: Lifecycle, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool
) -> StartPlan:
    """Return the plan of a start; only looks.

    Raises:
        InvalidInput: the definition cannot be expressed.
        OperationFailed: a disk is not there.
        Unsupported: it is to start paused, and the node has no freezer.
    """
    name, paths, groups = instance.name, lifecycle.paths, lifecycle.groups
    if startup_paused:
        groups.require_freezer()
    mounter = lifecycle.mounter(Definition(instance, block_devices, startup_paused))
    inside = SystemMounts(system_mounts(instance.parameters.get("system_mounts")), str(paths.root(name)))
    command = f"chroot {paths.root(name)} {instance.parameters.get('init_script')} start"
    steps = (
        PlanStep("state", f"save the definition in {paths.instance_dir(name)}"),
        PlanStep(
            "mount", f"mount {len(block_devices)} disk(s), {mounter.name} mounter", tuple(map(str, mounter.plan()))
        ),
        PlanStep("system-mounts", f"mount {len(inside.wanted)} file system(s) inside", tuple(map(str, inside.plan()))),
        PlanStep("cgroup", f"make {paths.group(name)}" if groups.home else "make none: the node has no freezer"),
        PlanStep(
            "script",
            "hold it frozen before its first instruction" if startup_paused else "run it and see that processes stay",
            (command,),
        ),
    )
    warnings = (
        (f"{name} has {len(instance.nics)} NIC(s), but a chroot has the node's own network",) if instance.nics else ()
    )
    return StartPlan(lifecycle.context.name, name, steps, {}, warnings)
