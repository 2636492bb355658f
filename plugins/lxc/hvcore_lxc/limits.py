"""What a node keeps LXC from doing, operation by operation, looked at without changing anything."""

from __future__ import annotations

from collections.abc import Iterator

from hvcore.context import DriverContext
from hvcore.model.capability import Capability, Support
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore.system.commands import find_program
from hvcore.system.findings import disk_limits
from hvcore_lxc.requirements import (
    CONTROLLERS,
    INSTALL,
    MOUNT_CGROUPS,
    NEEDS_ROOT,
    controller_finding,
    runs_as_root,
    version_finding,
)
from hvcore_lxc.spec import LxcSteps

__all__ = ["limits"]

_STARTS = ("start_instance", "reboot_instance")
_CHANGES = (
    *_STARTS,
    *("stop_instance", "cleanup_instance", "recover", "restore_instance"),
    *("pause_instance", "resume_instance", "balloon_instance_memory", "exec_in_instance"),
)
_USE_CGROUPS = ("pause_instance", "resume_instance", "balloon_instance_memory")
_REMOVES = ("stop_instance", "cleanup_instance", "recover")


def limits(context: DriverContext, layout: CgroupLayout | None) -> tuple[Capability, ...]:
    """Return every limit of this node.

    Args:
        context: the driver's surroundings.
        layout: how the hierarchies are mounted that the cgroup manager uses; None when an extension manages cgroups, of whose
            needs nothing is known.
    """
    found = [*_of_the_user(), *_of_the_tools(context), *_of_the_disks(context)]
    if layout is not None:
        found += _of_the_cgroups(layout)
    return tuple(found)


def _of_the_user() -> Iterator[Capability]:
    if not runs_as_root():
        for operation in _CHANGES:
            what = "containers are started by root" if operation in _STARTS else "containers belong to root"
            yield Capability(operation, Support.NO, what, NEEDS_ROOT)


def _of_the_tools(context: DriverContext) -> Iterator[Capability]:
    if find_program("lxc-start") is None:
        for operation in (*_STARTS, "get_node_info"):
            yield Capability(operation, Support.NO, "lxc-start is not installed", INSTALL)
    else:
        version, number = version_finding(context.runner)
        # One that does not tell its version may work all the same.
        if number and not version.ok:
            for operation in _STARTS:
                yield Capability(operation, Support.NO, version.detail, version.remedy)
    if find_program("lxc-attach") is None:
        yield Capability("exec_in_instance", Support.NO, "lxc-attach is not installed", INSTALL)
    if find_program("lxc-console") is None:
        what = "its command does not run on this node, where lxc-console is not installed"
        yield Capability("get_instance_console", Support.LIMITED, what, INSTALL)
    if find_program("ip") is None:
        for operation in _REMOVES:
            what = "a NIC that outlives its container cannot be removed: ip is not installed"
            yield Capability(operation, Support.LIMITED, what, "install iproute2")


def _of_the_disks(context: DriverContext) -> Iterator[Capability]:
    # Of the needs of an extension's mounter nothing is known.
    if not any(answerer.role != "default" for answerer in context.scope.answerers(LxcSteps.lxc_mounter)):
        yield from disk_limits()


def _of_the_cgroups(layout: CgroupLayout) -> Iterator[Capability]:
    if layout.mode is CgroupMode.NONE:
        for operation in ("plan_start", *_STARTS, *_USE_CGROUPS):
            yield Capability(operation, Support.NO, "no cgroup hierarchy is mounted", MOUNT_CGROUPS)
        return
    found = (controller_finding(name, layout) for name in CONTROLLERS)
    missing = {finding.name.removeprefix("cgroup "): finding for finding in found if not finding.ok}

    def limit(operation: str, support: Support, name: str, prefix: str = "") -> Capability:
        return Capability(operation, support, prefix + missing[name].detail, missing[name].remedy)

    for name in ("memory", "devices"):
        if name in missing:
            yield limit("start_instance", Support.NO, name)
    if "cpu" in missing and "cpuset" in missing:
        yield limit("start_instance", Support.NO, "cpu")
    elif "cpu" in missing:
        yield limit("start_instance", Support.LIMITED, "cpu", "only with a cpu_mask: ")
    elif "cpuset" in missing:
        yield limit("start_instance", Support.LIMITED, "cpuset", "only without a cpu_mask: ")
    if "memory" in missing:
        yield limit("balloon_instance_memory", Support.NO, "memory")
    if "freezer" in missing:
        yield limit("start_instance", Support.LIMITED, "freezer", "not paused: ")
        for operation in ("pause_instance", "resume_instance"):
            yield limit(operation, Support.NO, "freezer")
