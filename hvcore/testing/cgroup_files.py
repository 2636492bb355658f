"""The files of a fresh cgroup, as the kernel makes them.

Sources: the kernel's admin-guide/cgroup-v1/*.rst, scheduler/sched-bwc.rst and admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

__all__ = ["NOT_AT_THE_ROOT", "NO_LIMIT_V1", "V1_CONTROLLERS", "V2_CONTROLLERS", "files_v1", "files_v2"]

NO_LIMIT_V1 = 9223372036854771712
"""What version 1 says where memory is not limited: the largest multiple of a page."""

NOT_AT_THE_ROOT = (
    "freezer.",
    *("cgroup.type", "cgroup.events", "cgroup.freeze", "cgroup.kill"),
    *("memory.min", "memory.low", "memory.high", "memory.max", "memory.current", "memory.swap.", "memory.events"),
    *("cpu.max", "cpu.weight", "io.max", "pids.", "cpu.pressure", "memory.pressure", "io.pressure"),
)
"""How the files begin that the kernel makes in every cgroup but the root."""

V1_CONTROLLERS = ("cpu,cpuacct", "cpuset", "memory", "devices", "freezer", "pids", "blkio", "systemd")
"""The hierarchies of an ordinary version 1 machine; ``systemd`` has only a name and no controller."""

V2_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")
"""The controllers of an ordinary version 2 machine."""

_THROTTLING_V1 = "nr_periods 0\nnr_throttled 0\nthrottled_time 0"
_CALM = "\n".join(f"{kind} avg10=0.00 avg60=0.00 avg300=0.00 total=0" for kind in ("some", "full"))

_EVERY_V1 = {"cgroup.procs": "", "tasks": "", "notify_on_release": "0", "cgroup.clone_children": "0"}
_OF_V1: Mapping[str, Mapping[str, str]] = {
    "cpu": {"cpu.shares": "1024", "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "-1", "cpu.stat": _THROTTLING_V1},
    "cpuacct": {"cpuacct.usage": "0", "cpuacct.stat": "user 0\nsystem 0"},
    "blkio": {f"blkio.throttle.{name}_recursive": "Total 0" for name in ("io_service_bytes", "io_serviced")},
    "cpuset": {"cpuset.cpus": "CPUS", "cpuset.mems": "0"},
    "memory": {
        "memory.limit_in_bytes": f"{NO_LIMIT_V1}",
        "memory.usage_in_bytes": "0",
        "memory.kmem.usage_in_bytes": "0",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0",
        "memory.stat": "cache 0\nrss 0\ntotal_cache 0\ntotal_rss 0",
        "memory.swappiness": "60",
    },
    "devices": {"devices.allow": "", "devices.deny": "", "devices.list": "a *:* rwm"},
    "freezer": {"freezer.state": "THAWED", "freezer.self_freezing": "0", "freezer.parent_freezing": "0"},
    "pids": {"pids.max": "max", "pids.current": "0"},
}
_SWAP_OF_V1 = {"memory.memsw.limit_in_bytes": f"{NO_LIMIT_V1}", "memory.memsw.usage_in_bytes": "0"}

_EVERY_V2 = {
    "cgroup.procs": "",
    "cgroup.type": "domain",
    "cgroup.subtree_control": "",
    "cgroup.events": "populated 0\nfrozen 0",
    "cgroup.freeze": "0",
    "cgroup.kill": "",
    "cpu.stat": "usage_usec 0\nuser_usec 0\nsystem_usec 0",
    "cpu.pressure": _CALM,
    "memory.pressure": _CALM,
    "io.pressure": _CALM,
}
_OF_V2: Mapping[str, Mapping[str, str]] = {
    "cpu": {"cpu.max": "max 100000", "cpu.weight": "100"},
    "cpuset": {"cpuset.cpus": "", "cpuset.cpus.effective": "CPUS", "cpuset.mems": ""},
    "io": {"io.max": "", "io.stat": ""},
    "memory": {
        "memory.min": "0",
        "memory.low": "0",
        "memory.high": "max",
        "memory.max": "max",
        "memory.current": "0",
        "memory.stat": "anon 0\nfile 0\nkernel 0",
        "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0",
    },
    "pids": {"pids.max": "max", "pids.current": "0"},
}
_SWAP_OF_V2 = {"memory.swap.max": "max", "memory.swap.current": "0"}


def files_v1(controllers: Iterable[str], has_swap: bool) -> dict[str, str]:
    """Return the files of a version 1 cgroup, name to content.

    Args:
        controllers: those of its hierarchy.
        has_swap: whether the kernel counts swap.
    """
    return _files(_EVERY_V1, _OF_V1, controllers, _SWAP_OF_V1 if has_swap else {})


def files_v2(controllers: Iterable[str], has_swap: bool) -> dict[str, str]:
    """Return the files of a version 2 cgroup, name to content.

    Args:
        controllers: those that the machine has on version 2.
        has_swap: whether the kernel counts swap.
    """
    names = tuple(controllers)
    every = {**_EVERY_V2, "cgroup.controllers": " ".join(names)}
    return _files(every, _OF_V2, names, _SWAP_OF_V2 if has_swap else {})


def _files(
    every: Mapping[str, str], of: Mapping[str, Mapping[str, str]], controllers: Iterable[str], swap: Mapping[str, str]
) -> dict[str, str]:
    found = dict(every)
    for controller in controllers:
        found.update(of.get(controller, {}))
        if controller == "memory":
            found.update(swap)
    cpus = f"0-{(os.cpu_count() or 1) - 1}"
    return {name: cpus if content == "CPUS" else content for name, content in found.items()}
