"""Files of cgroup version 1, and what sets the same in version 2.

Sources: the kernel's admin-guide/cgroup-v2.rst, "Deprecated v1 Core Features" and the controllers' own sections; the
conversions of weights are those of the OCI runtimes (runc, ``libcontainer/cgroups/utils.go``), which the kernel does not fix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["NO_EFFECT", "WHY_NOT", "counterpart", "successor"]

_Conversion = Callable[[str], str | None]

NO_EFFECT: Mapping[str, str] = {
    "memory.use_hierarchy": "version 2 is always hierarchical",
    "memory.kmem.limit_in_bytes": "the kernel ignores it since Linux 5.16, and version 2 counts kernel memory in memory.max",
    "notify_on_release": "version 2 tells of empty cgroups in cgroup.events",
    "cpuset.memory_migrate": "version 2 always migrates memory",
}
"""Files that nobody misses in version 2, and why."""

WHY_NOT: Mapping[str, str] = {
    "memory.swappiness": "version 2 has no swappiness per cgroup",
    "memory.oom_control": "version 2 cannot keep the kernel from killing at the limit",
    "memory.kmem.tcp.limit_in_bytes": "version 2 has no limit of TCP memory alone",
    "memory.move_charge_at_immigrate": "version 2 leaves memory where it was charged",
    "cpu.rt_runtime_us": "version 2 has no real-time bandwidth per cgroup",
    "cpu.rt_period_us": "version 2 has no real-time bandwidth per cgroup",
    "net_cls.classid": "version 2 marks packets through nftables or BPF programs",
    "net_prio.ifpriomap": "version 2 sets priorities through nftables or BPF programs",
    "freezer.state": "a configuration cannot freeze a container of version 2 before it starts",
}
"""Files without an equal in version 2, and what to know about it."""


def successor(name: str, value: str) -> tuple[str, str] | None:
    """Return the file of version 2 and the value that set the same, or None when one line alone does not.

    Args:
        name: a file of version 1, such as ``memory.limit_in_bytes``.
        value: what is written to it.
    """
    if name.startswith("hugetlb."):
        return name.replace(".limit_in_bytes", ".max"), _limit(value)
    found = _FILES.get(name)
    converted = found[1](value) if found else None
    return (found[0], converted) if found and converted is not None else None


def counterpart(name: str) -> str | None:
    """Return the file of version 2 that a file of version 1 has a part in, or None.

    Args:
        name: a file of version 1, such as ``cpu.cfs_quota_us``.
    """
    if name.startswith("hugetlb."):
        return name.replace(".limit_in_bytes", ".max")
    return _TOGETHER.get(name) or (_FILES[name][0] if name in _FILES else None)


def _same(value: str) -> str:
    return value


def _limit(value: str) -> str:
    return "max" if value.strip() == "-1" else value


def _weight_of_shares(value: str) -> str | None:
    """2 ... 262144 become 1 ... 10000."""
    if not value.isdigit():
        return None
    shares = min(max(int(value), 2), 262144)
    return str(1 + (shares - 2) * 9999 // 262142)


def _io_weight(value: str) -> str | None:
    """10 ... 1000 become 1 ... 10000."""
    device, _, weight = value.rpartition(" ")
    if not weight.isdigit():
        return None
    converted = str(1 + (min(max(int(weight), 10), 1000) - 10) * 9999 // 990)
    return f"{device} {converted}".strip()


def _rate(name: str) -> _Conversion:
    def convert(value: str) -> str | None:
        device, blank, rate = value.partition(" ")
        return f"{device} {name}={'max' if rate == '0' else rate}" if blank and rate.isdigit() else None

    return convert


_FILES: Mapping[str, tuple[str, _Conversion]] = {
    "memory.limit_in_bytes": ("memory.max", _limit),
    "memory.soft_limit_in_bytes": ("memory.low", _limit),
    "cpu.shares": ("cpu.weight", _weight_of_shares),
    "cpu.idle": ("cpu.idle", _same),
    "cpu.cfs_burst_us": ("cpu.max.burst", _same),
    "cpuset.cpus": ("cpuset.cpus", _same),
    "cpuset.mems": ("cpuset.mems", _same),
    "devices.allow": ("devices.allow", _same),
    "devices.deny": ("devices.deny", _same),
    "pids.max": ("pids.max", _same),
    "rdma.max": ("rdma.max", _same),
    "blkio.weight": ("io.weight", _io_weight),
    "blkio.bfq.weight": ("io.bfq.weight", _same),
    "blkio.weight_device": ("io.weight", _io_weight),
    "blkio.bfq.weight_device": ("io.bfq.weight", _same),
    "blkio.throttle.read_bps_device": ("io.max", _rate("rbps")),
    "blkio.throttle.write_bps_device": ("io.max", _rate("wbps")),
    "blkio.throttle.read_iops_device": ("io.max", _rate("riops")),
    "blkio.throttle.write_iops_device": ("io.max", _rate("wiops")),
}

# These need the value of another file, too.
_TOGETHER: Mapping[str, str] = {
    "memory.memsw.limit_in_bytes": "memory.swap.max",
    "cpu.cfs_quota_us": "cpu.max",
    "cpu.cfs_period_us": "cpu.max",
}
