"""The statistics that the kernel keeps of one cgroup: version 1 where a controller is bound to it, else version 2."""

from __future__ import annotations

import os
from collections.abc import Callable

from attrs import frozen

from hvcore.errors import OperationFailed
from hvcore.model.stats import BlockIoStats, CpuStats, MemoryStats, PressureStats
from hvcore.system.cgroup_layout import CgroupLayout
from hvcore.system.kernel_files import read_text
from hvcore.system.stat_files import parse_blkio, parse_flat, parse_io_stat, parse_limit, parse_number, parse_pressure

__all__ = ["GroupStats", "read_group_stats"]

_Read = Callable[[str], str | None]


@frozen
class GroupStats:
    """What a cgroup and those below it have used.

    Attributes:
        cpu: CPU time; None where no hierarchy counts it.
        memory: memory.
        block_io: block devices, or None where that is not known.
        tasks: processes and threads, or None where that is not known.
        tasks_limit: how many of them there may be, or None without a limit.
        pressure: what they had to wait for, or None where the kernel does not tell.
    """

    cpu: CpuStats | None
    memory: MemoryStats
    block_io: BlockIoStats | None
    tasks: int | None
    tasks_limit: int | None
    pressure: PressureStats | None


def read_group_stats(layout: CgroupLayout, relative: str, read: _Read = read_text) -> GroupStats:
    """Measure one cgroup, by reading files only.

    Args:
        layout: how the node's hierarchies are mounted.
        relative: the cgroup's path below the root of every hierarchy.
        read: how to read a file.

    Returns:
        What is known; everything is None when the cgroup is gone.

    Source: Linux, Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
    """

    def v1(controller: str) -> str | None:
        point = layout.controllers.get(controller)
        return None if point is None else f"{point}/{relative}"

    unified = None if layout.unified is None else f"{layout.unified}/{relative}"
    return GroupStats(
        cpu=_cpu(v1("cpuacct"), v1("cpu"), unified, read),
        memory=_memory(v1("memory"), unified, read),
        block_io=_block_io(v1("blkio"), unified, read),
        tasks=parse_number(_one(v1("pids"), unified, "pids.current", read)),
        tasks_limit=parse_limit(_one(v1("pids"), unified, "pids.max", read)),
        pressure=None if unified is None else _pressure(unified, read),
    )


def _cpu(accounts: str | None, bandwidth: str | None, unified: str | None, read: _Read) -> CpuStats | None:
    seconds: float | None = None
    user: float | None = None
    system: float | None = None
    stat = parse_flat(read(f"{unified}/cpu.stat")) if unified else {}
    if accounts:
        used = parse_number(read(f"{accounts}/cpuacct.usage"))
        seconds = None if used is None else used / 1e9
        modes = parse_flat(read(f"{accounts}/cpuacct.stat"))
        ticks = os.sysconf("SC_CLK_TCK")
        user, system = (modes[key] / ticks if key in modes else None for key in ("user", "system"))
    elif "usage_usec" in stat:
        seconds, user, system = (
            stat[key] / 1e6 if key in stat else None for key in ("usage_usec", "user_usec", "system_usec")
        )
    if seconds is None:
        return None
    limited = parse_flat(read(f"{bandwidth}/cpu.stat")) if bandwidth else stat
    throttled = _throttled_s(limited)
    return CpuStats(seconds, user, system, limited.get("nr_periods"), limited.get("nr_throttled"), throttled)


def _throttled_s(stat: dict[str, int]) -> float | None:
    if "throttled_time" in stat:
        return stat["throttled_time"] / 1e9
    return stat["throttled_usec"] / 1e6 if "throttled_usec" in stat else None


def _memory(v1: str | None, unified: str | None, read: _Read) -> MemoryStats:
    if v1:
        return _memory_v1(v1, read)
    return _memory_v2(unified, read) if unified else MemoryStats()


def _memory_v1(directory: str, read: _Read) -> MemoryStats:
    stat = parse_flat(read(f"{directory}/memory.stat"))
    limit = parse_limit(read(f"{directory}/memory.limit_in_bytes"))
    # The second limit is that of memory and swap together.
    both = parse_limit(_optional(f"{directory}/memory.memsw.limit_in_bytes", read))
    return MemoryStats(
        used_bytes=parse_number(read(f"{directory}/memory.usage_in_bytes")),
        anon_bytes=stat.get("total_rss"),
        file_bytes=stat.get("total_cache"),
        kernel_bytes=parse_number(_optional(f"{directory}/memory.kmem.usage_in_bytes", read)),
        limit_bytes=limit,
        swap_used_bytes=stat.get("total_swap"),
        swap_limit_bytes=None if both is None or limit is None else max(both - limit, 0),
        oom_kills=parse_flat(_optional(f"{directory}/memory.oom_control", read)).get("oom_kill"),
    )


def _memory_v2(directory: str, read: _Read) -> MemoryStats:
    stat = parse_flat(read(f"{directory}/memory.stat"))
    return MemoryStats(
        used_bytes=parse_number(read(f"{directory}/memory.current")),
        anon_bytes=stat.get("anon"),
        file_bytes=stat.get("file"),
        kernel_bytes=_kernel_bytes(stat),
        limit_bytes=parse_limit(read(f"{directory}/memory.max")),
        swap_used_bytes=parse_number(read(f"{directory}/memory.swap.current")),
        swap_limit_bytes=parse_limit(read(f"{directory}/memory.swap.max")),
        oom_kills=parse_flat(read(f"{directory}/memory.events")).get("oom_kill"),
    )


def _kernel_bytes(stat: dict[str, int]) -> int | None:
    """The kernel's share; before Linux 5.18, which sums it up itself, its parts."""
    if "kernel" in stat:
        return stat["kernel"]
    parts = [stat[key] for key in ("kernel_stack", "pagetables", "percpu", "slab") if key in stat]
    return sum(parts) if parts else None


def _block_io(v1: str | None, unified: str | None, read: _Read) -> BlockIoStats | None:
    if v1 is None:
        return parse_io_stat(read(f"{unified}/io.stat")) if unified else None
    stem = f"{v1}/blkio.throttle"
    return parse_blkio(
        read(f"{stem}.io_service_bytes_recursive"), read(f"{stem}.io_serviced_recursive")
    ) or parse_blkio(read(f"{stem}.io_service_bytes"), read(f"{stem}.io_serviced"))


def _pressure(unified: str, read: _Read) -> PressureStats | None:
    found = [parse_pressure(_optional(f"{unified}/{kind}.pressure", read)) for kind in ("cpu", "memory", "io")]
    return PressureStats(*found) if any(found) else None


def _one(v1: str | None, unified: str | None, file: str, read: _Read) -> str | None:
    directory = v1 or unified
    return read(f"{directory}/{file}") if directory else None


def _optional(path: str, read: _Read) -> str | None:
    """Read a file that some kernels offer and then refuse to read, as pressure with ``psi=0`` and swap without any."""
    try:
        return read(path)
    except OperationFailed as error:
        if isinstance(error.__cause__, OSError):
            return None
        raise
