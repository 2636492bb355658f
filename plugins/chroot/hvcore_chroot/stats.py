"""The statistics of chroots: what their processes say, and their cgroup where it counts, as on version 2."""

from __future__ import annotations

import time

from hvcore.model.state import InstanceState
from hvcore.model.stats import CpuStats, InstanceStats, MemoryStats
from hvcore.system.cgroup_stats import read_group_stats
from hvcore.system.process_usage import usage_of
from hvcore_chroot.inventory import Inventory

__all__ = ["measure"]


def measure(inventory: Inventory, name: str, pids: set[int]) -> InstanceStats | None:
    """Measure one instance; None when its processes have ended meanwhile.

    Where no cgroup counts, CPU time is that of the processes that still run and of those they have waited for, and memory
    is what they have in memory, what several share counted for each.

    Args:
        inventory: the instances.
        name: which one.
        pids: its processes.
    """
    now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    usage = usage_of(pids)
    if not usage.processes:
        return None
    groups = inventory.groups
    group = read_group_stats(groups.layout, inventory.paths.group(name))
    summed = CpuStats(usage.cpu_seconds, usage.user_seconds, usage.cpu_seconds - usage.user_seconds)
    has_memory = group.memory.used_bytes is not None
    return InstanceStats(
        name=name,
        hypervisor=inventory.hypervisor,
        state=InstanceState.PAUSED if groups.is_frozen(name) else InstanceState.RUNNING,
        time_s=now_s,
        cpu=group.cpu or summed,
        memory=group.memory if has_memory else MemoryStats(used_bytes=usage.memory_bytes),
        block_io=group.block_io,
        tasks=usage.threads if group.tasks is None else group.tasks,
        tasks_limit=group.tasks_limit,
        pressure=group.pressure,
    )
