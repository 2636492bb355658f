"""The statistics of containers: their cgroups' files, and one look at all network devices."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from hvcore.model.instance import MAX_NICS
from hvcore.model.stats import CpuStats, InstanceStats, NicStats
from hvcore.system.kernel_files import read_text
from hvcore.system.stat_files import parse_net_dev
from hvcore_lxc.cgroup_manager import CgroupManager, Usage
from hvcore_lxc.paths import LxcPaths

__all__ = ["measure"]


def measure(
    cgroups: CgroupManager, paths: LxcPaths, hypervisor: str, running: Iterable[Usage]
) -> tuple[InstanceStats, ...]:
    """Measure containers; one that has ended meanwhile is left out.

    Args:
        cgroups: their cgroup manager.
        paths: where instances keep what.
        hypervisor: the hypervisor's name.
        running: those to measure.
    """
    devices: Mapping[str, NicStats] | None = None
    found: list[InstanceStats] = []
    for usage in running:
        if devices is None:
            devices = parse_net_dev(read_text("/proc/net/dev"))
        now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        group = cgroups.stats(usage.name)
        if not cgroups.pids(usage.name):
            continue
        found.append(
            InstanceStats(
                name=usage.name,
                hypervisor=hypervisor,
                state=usage.state,
                time_s=now_s,
                cpu=group.cpu or CpuStats(usage.cpu_seconds),
                memory=group.memory,
                block_io=group.block_io,
                nics=_nics(paths, usage.name, devices),
                tasks=group.tasks,
                tasks_limit=group.tasks_limit,
                pressure=group.pressure,
            )
        )
    return tuple(found)


def _nics(paths: LxcPaths, name: str, devices: Mapping[str, NicStats]) -> tuple[NicStats, ...]:
    stem = paths.host_device(name, 0).removesuffix("0")
    wanted = (f"{stem}{index}" for index in range(MAX_NICS))
    return tuple(devices[device] for device in wanted if device in devices)
