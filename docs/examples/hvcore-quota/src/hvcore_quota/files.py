"""Quotas as what the kernel takes: names of cgroup files and values, for version 1 and version 2.

Sources: Linux, Documentation/admin-guide/cgroup-v1/blkio-controller.rst (``throttle``), cgroup-v1/pids.rst,
scheduler/sched-bwc.rst and cgroup-v2.rst.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from hvcore.errors import MissingRequirement
from hvcore.system import CgroupLayout
from hvcore_quota.quota import CPU_PERIOD_US, IO_KEYS, NO_LIMIT, IoRule, Quota

__all__ = ["CPU_FILES", "V1_IO_FILES", "Setting", "settings"]

CPU_FILES = frozenset({"cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.max"})
"""The files of the CPU bandwidth, which LXC's own manager sets from ``vcpus``."""

V1_IO_FILES = {
    "rbps": "blkio.throttle.read_bps_device",
    "wbps": "blkio.throttle.write_bps_device",
    "riops": "blkio.throttle.read_iops_device",
    "wiops": "blkio.throttle.write_iops_device",
}
_V1_CONTROLLERS = {"io": "blkio"}


@frozen
class Setting:
    """One value for one file of a cgroup.

    Attributes:
        controller: the controller, such as ``pids``; version 1 calls that of block devices ``blkio``.
        file: the file's name, such as ``pids.max``.
        value: what to write.
        is_v1: whether the controller is one of version 1.
        device: the device that the value is about; "" when there is none.
    """

    controller: str
    file: str
    value: str
    is_v1: bool
    device: str = ""


def settings(quota: Quota, vcpus: int, layout: CgroupLayout) -> tuple[Setting, ...]:
    """Return what is to be written for a quota, in order.

    Args:
        quota: the limits.
        vcpus: the CPUs that the container has.
        layout: how the node's hierarchies are mounted.

    Raises:
        MissingRequirement: the node lacks a controller.
    """
    return (*_cpu(quota, vcpus, layout), *_pids(quota, layout), *_io(quota, layout))


def _cpu(quota: Quota, vcpus: int, layout: CgroupLayout) -> Iterator[Setting]:
    if quota.cpu_percent is None:
        return
    controller, is_v1 = _find("cpu", layout)
    time_us = quota.cpu_time_us(vcpus)
    if is_v1:
        yield Setting(controller, "cpu.cfs_period_us", str(CPU_PERIOD_US), is_v1)
        yield Setting(controller, "cpu.cfs_quota_us", str(time_us), is_v1)
    else:
        yield Setting(controller, "cpu.max", f"{time_us} {CPU_PERIOD_US}", is_v1)


def _pids(quota: Quota, layout: CgroupLayout) -> Iterator[Setting]:
    if quota.pids_max is not None:
        controller, is_v1 = _find("pids", layout)
        yield Setting(controller, "pids.max", str(quota.pids_max or NO_LIMIT), is_v1)


def _io(quota: Quota, layout: CgroupLayout) -> Iterator[Setting]:
    for rule in quota.io:
        controller, is_v1 = _find("io", layout)
        if is_v1:
            yield from _v1_io(rule, controller)
        else:
            yield Setting(controller, "io.max", str(rule), is_v1, rule.device)


def _v1_io(rule: IoRule, controller: str) -> Iterator[Setting]:
    for key in IO_KEYS:
        if key in rule.limits:
            # Version 1 takes 0 for no limit.
            value = "0" if rule.limits[key] == NO_LIMIT else rule.limits[key]
            yield Setting(controller, V1_IO_FILES[key], f"{rule.device} {value}", True, rule.device)


def _find(controller: str, layout: CgroupLayout) -> tuple[str, bool]:
    old_name = _V1_CONTROLLERS.get(controller, controller)
    if old_name in layout.controllers:
        return old_name, True
    if controller in layout.unified_controllers:
        return controller, False
    raise MissingRequirement(
        f"this node has no {controller} cgroup controller",
        resolution=f"enable it in the kernel, or set no quota for {controller}",
    )
