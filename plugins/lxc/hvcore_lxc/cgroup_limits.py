"""What the cgroup part of a container's configuration says, for version 1 and version 2 keys.

Sources: the kernel's admin-guide/cgroup-v1/memory.rst, cgroup-v1/cpusets.rst, scheduler/sched-bwc.rst and cgroup-v2.rst;
``lxc.cgroup.*`` and ``lxc.cgroup2.*`` in lxc.container.conf(5).
"""

from __future__ import annotations

import os

from hvcore.errors import InvalidParameter, MissingRequirement
from hvcore.model.cpu_mask import format_cpu_mask, parse_cpu_mask
from hvcore.model.instance import Instance
from hvcore.system.cgroup_layout import CgroupLayout
from hvcore_lxc.document import ConfigEntry
from hvcore_lxc.params import words

__all__ = ["CPU_PERIOD_US", "limit_entries"]

CPU_PERIOD_US = 100_000
"""The period in which a container gets vcpus' worth of CPU time; the kernel's own default."""


def limit_entries(instance: Instance, layout: CgroupLayout) -> tuple[ConfigEntry, ...]:
    """Return the limits of an instance as configuration entries.

    Memory and swap together are limited to the instance's memory. The CPUs are those of ``cpu_mask``, or else any, with
    ``vcpus``' worth of time. Devices are denied but for those listed.

    Args:
        instance: the definition, with every parameter filled in.
        layout: how the node's hierarchies are mounted.

    Raises:
        InvalidParameter: the mask does not name as many CPUs as the instance has.
        MissingRequirement: the node has no controller for a limit.
    """
    return (
        *_memory(instance, layout),
        *_cpus(instance, layout),
        *_devices(instance, layout),
    )


def _memory(instance: Instance, layout: CgroupLayout) -> list[ConfigEntry]:
    size = str(instance.memory_mib * 1024 * 1024)
    base = layout.controllers.get("memory")
    if base is not None:
        entries = [ConfigEntry("lxc.cgroup.memory.limit_in_bytes", size)]
        # Asked of the root: a container's own directory does not exist before its first start.
        if os.path.exists(f"{base}/memory.memsw.limit_in_bytes"):
            entries.append(ConfigEntry("lxc.cgroup.memory.memsw.limit_in_bytes", size))
        return entries
    _require("memory", layout)
    entries = [ConfigEntry("lxc.cgroup2.memory.max", size)]
    if _accounts_swap(str(layout.unified)):
        entries.append(ConfigEntry("lxc.cgroup2.memory.swap.max", "0"))
    return entries


def _accounts_swap(unified: str) -> bool:
    """Tell whether the kernel counts swap, as far as it can be seen: the root itself has no such file.

    Source: the kernel's admin-guide/kernel-parameters.txt, ``swapaccount``: off by default on some kernels before 6.1.
    """
    try:
        with os.scandir(unified) as entries:
            groups = [entry.path for entry in entries if entry.is_dir()]
    except OSError:
        return True  # LXC will say more than this look can.
    counted = [os.path.exists(f"{group}/memory.swap.max") for group in groups if os.path.exists(f"{group}/memory.max")]
    return any(counted) or not counted


def _cpus(instance: Instance, layout: CgroupLayout) -> list[ConfigEntry]:
    mask = str(instance.parameters.get("cpu_mask") or "")
    if mask:
        cpus = set(parse_cpu_mask(mask))
        count = len(cpus)
        if count != instance.vcpus:
            raise InvalidParameter(
                f"cpu_mask names {count} CPUs and the instance has {instance.vcpus}",
                key="cpu_mask",
                value=mask,
                allowed=f"a mask of {instance.vcpus} CPUs, or another vcpus under [backend]",
            )
        version = _version("cpuset", layout)
        return [ConfigEntry(f"lxc.{version}.cpuset.cpus", format_cpu_mask(cpus))]
    quota_us = instance.vcpus * CPU_PERIOD_US
    if _version("cpu", layout) == "cgroup":
        return [
            ConfigEntry("lxc.cgroup.cpu.cfs_period_us", str(CPU_PERIOD_US)),
            ConfigEntry("lxc.cgroup.cpu.cfs_quota_us", str(quota_us)),
        ]
    return [ConfigEntry("lxc.cgroup2.cpu.max", f"{quota_us} {CPU_PERIOD_US}")]


def _devices(instance: Instance, layout: CgroupLayout) -> list[ConfigEntry]:
    # Version 2 has no controller for it: LXC loads a program instead.
    version = "cgroup" if "devices" in layout.controllers else "cgroup2"
    if version == "cgroup2" and layout.unified is None:
        _require("devices", layout)
    allowed = [ConfigEntry(f"lxc.{version}.devices.allow", rule) for rule in words(instance.parameters.get("devices"))]
    return [ConfigEntry(f"lxc.{version}.devices.deny", "a"), *allowed]


def _version(controller: str, layout: CgroupLayout) -> str:
    if controller in layout.controllers:
        return "cgroup"
    _require(controller, layout)
    return "cgroup2"


def _require(controller: str, layout: CgroupLayout) -> None:
    if controller not in layout.unified_controllers:
        raise MissingRequirement(
            f"this node has no {controller} cgroup controller",
            resolution=f"enable it: the kernel's command line must not disable it, and {layout.unified or 'cgroup2'} must "
            "list it in cgroup.controllers",
        )
