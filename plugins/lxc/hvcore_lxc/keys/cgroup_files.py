"""The files of a cgroup that a configuration may write, and what they take.

Sources: the kernel's admin-guide/cgroup-v2.rst and admin-guide/cgroup-v1/; for ``devices.*`` of version 2, LXC's own
program (``cgfsng.c``: bpf_device_cgroup_prepare).
"""

from __future__ import annotations

import re

from attrs import frozen

from hvcore.errors import HypervisorError
from hvcore.model.cpu_mask import parse_cpu_mask
from hvcore_lxc.keys.grammars import BOOLEAN, TEXT, count, matching, one_of
from hvcore_lxc.keys.model import Grammar, Repeat
from hvcore_lxc.params import is_device_rule

__all__ = ["CgroupFile", "cgroup_files", "find_cgroup_file", "size_bytes"]

_UNITS = "KMGTPE"
_SIZE = re.compile(rf"([0-9]{{1,20}})([{_UNITS}{_UNITS.lower()}]?)")
_DEVICE = r"[0-9]{1,4}:[0-9]{1,7}"


@frozen
class CgroupFile:
    """One file of a cgroup.

    Attributes:
        name: its name; ``*`` stands for the size of huge pages.
        grammar: what it takes.
        repeat: what writing it a second time does.
    """

    name: str
    grammar: Grammar
    repeat: Repeat = Repeat.REPLACES

    @property
    def controller(self) -> str:
        """The controller that it belongs to."""
        return self.name.partition(".")[0]

    def matches(self, name: str) -> bool:
        """Tell whether it is the file of a name."""
        start, star, end = self.name.partition("*")
        return name == self.name if not star else name.startswith(start) and name.endswith(end)


def size_bytes(value: str) -> int | None:
    """Return a size such as ``64M`` in bytes, or None when it is none."""
    match = _SIZE.fullmatch(value)
    return int(match[1]) << 10 * (_UNITS.find(match[2].upper()) + 1 if match[2] else 0) if match else None


def find_cgroup_file(version: int, name: str) -> CgroupFile | None:
    """Return what is known of a file, or None when there is none of that name.

    Args:
        version: of cgroups, 1 or 2.
        name: its name, such as ``memory.max``.
    """
    return next((file for file in cgroup_files(version) if file.matches(name)), None)


def cgroup_files(version: int) -> tuple[CgroupFile, ...]:
    """Return the files of one version of cgroups."""
    return _V2 if version == 2 else _V1


def _size(*others: str) -> Grammar:
    said = "".join(f", or {other}" for other in others)
    return Grammar(
        f"a number of bytes, K, M, G or T{said}", lambda value: value in others or _SIZE.fullmatch(value) is not None
    )


def _is_cpu_list(value: str) -> bool:
    try:
        return bool(parse_cpu_mask(value))
    except HypervisorError:
        return False


def _is_rule(value: str) -> bool:
    return is_device_rule(value) or re.fullmatch(r"/dev/\S+ [rwm]{1,3}", value) is not None


_CPUS = Grammar("a list of numbers and ranges such as 0-2,4", _is_cpu_list)
_RULE = Grammar("a, or a rule such as 'c 1:3 rwm'", _is_rule)
_COUNT = one_of("max", or_else=count(0, 2**63 - 1).accepts, allowed="a whole number, or max")
_PER_DEVICE = matching(rf"{_DEVICE} [0-9]{{1,20}}", "a device and a number, such as '8:0 1048576'")
_NUMBER = count(0, 2**63 - 1)
_RDMA = matching(r"\S+(?: hca_(?:handle|object)=(?:max|[0-9]+))+", "a device and hca_handle=N or hca_object=N")

_RULES = (CgroupFile("devices.allow", _RULE, Repeat.ADDS), CgroupFile("devices.deny", _RULE, Repeat.ADDS))

_V2 = (
    *(
        CgroupFile(f"memory.{name}", _size("max"))
        for name in ("min", "low", "high", "max", "swap.high", "swap.max", "zswap.max")
    ),
    *(CgroupFile(f"memory.{name}", BOOLEAN) for name in ("oom.group", "zswap.writeback")),
    CgroupFile("cpu.weight", count(1, 10000)),
    CgroupFile("cpu.weight.nice", matching(r"-?[0-9]|-1[0-9]|-20|1[0-9]", "a number from -20 to 19")),
    CgroupFile(
        "cpu.max",
        matching(
            r"(?:max|[1-9][0-9]{3,12})(?: [1-9][0-9]{3,6})?",
            "QUOTA PERIOD in microseconds, such as '50000 100000'; max is no quota",
        ),
    ),
    CgroupFile("cpu.max.burst", _NUMBER),
    CgroupFile("cpu.idle", BOOLEAN),
    *(
        CgroupFile(
            f"cpu.uclamp.{end}", matching(r"max|100(?:\.0{1,2})?|[0-9]{1,2}(?:\.[0-9]{1,2})?", "a percentage, or max")
        )
        for end in ("min", "max")
    ),
    *(CgroupFile(f"cpuset.{name}", _CPUS) for name in ("cpus", "mems", "cpus.exclusive")),
    CgroupFile("cpuset.cpus.partition", one_of("member", "root", "isolated")),
    *(
        CgroupFile(
            name,
            matching(
                rf"(?:(?:default|{_DEVICE}) )?(?:[1-9][0-9]{{0,4}}|default)",
                "a weight from 1 to 10000, of all devices or of one",
            ),
            Repeat.ADDS,
        )
        for name in ("io.weight", "io.bfq.weight")
    ),
    CgroupFile(
        "io.max",
        matching(
            rf"{_DEVICE}(?: (?:rbps|wbps|riops|wiops)=(?:max|[0-9]{{1,20}}))+",
            "a device and limits, such as '8:0 rbps=1048576'",
        ),
        Repeat.ADDS,
    ),
    CgroupFile(
        "io.latency",
        matching(rf"{_DEVICE} target=[0-9]+", "a device and a target, such as '8:0 target=75000'"),
        Repeat.ADDS,
    ),
    CgroupFile("io.prio.class", one_of("no-change", "promote-to-rt", "restrict-to-be", "none-to-rt", "idle")),
    CgroupFile("pids.max", _COUNT),
    *(CgroupFile(f"hugetlb.{name}", _size("max")) for name in ("*.max", "*.rsvd.max")),
    CgroupFile("rdma.max", _RDMA, Repeat.ADDS),
    CgroupFile("misc.max", matching(r"\S+ (?:max|[0-9]+)", "a resource and a number"), Repeat.ADDS),
    *(CgroupFile(f"cgroup.{name}", _COUNT) for name in ("max.depth", "max.descendants")),
    *(CgroupFile(f"cgroup.{name}", BOOLEAN) for name in ("freeze", "pressure")),
    CgroupFile(
        "cgroup.subtree_control",
        matching(r"[+-][a-z]+(?: [+-][a-z]+)*", "controllers with + or - before each"),
        Repeat.ADDS,
    ),
    *_RULES,
)

_SWITCHES = {
    "memory": "use_hierarchy oom_control",
    "cpu": "idle",
    "cpuset": "cpu_exclusive mem_exclusive mem_hardwall memory_migrate memory_pressure_enabled memory_spread_page "
    "memory_spread_slab sched_load_balance",
}
_SIGNED = matching(r"-1|0|[1-9][0-9]{0,18}", "a whole number, or -1 for no limit")

_V1 = (
    *(
        CgroupFile(f"memory.{name}", _size("-1"))
        for name in (
            "limit_in_bytes",
            "soft_limit_in_bytes",
            "memsw.limit_in_bytes",
            "kmem.limit_in_bytes",
            "kmem.tcp.limit_in_bytes",
        )
    ),
    CgroupFile("memory.swappiness", count(0, 200)),
    CgroupFile("memory.move_charge_at_immigrate", count(0, 3)),
    *(CgroupFile(f"{controller}.{name}", BOOLEAN) for controller, names in _SWITCHES.items() for name in names.split()),
    CgroupFile("cpu.shares", count(2, 262144)),
    CgroupFile("cpu.cfs_period_us", count(1000, 1_000_000)),
    *(CgroupFile(f"cpu.{name}", _SIGNED) for name in ("cfs_quota_us", "rt_runtime_us", "rt_period_us")),
    CgroupFile("cpu.cfs_burst_us", _NUMBER),
    *(CgroupFile(f"cpuset.{name}", _CPUS) for name in ("cpus", "mems")),
    CgroupFile("cpuset.sched_relax_domain_level", matching("-1|[0-5]", "a level from -1 to 5")),
    *(CgroupFile(f"blkio.{name}", count(1, 1000)) for name in ("weight", "bfq.weight", "leaf_weight")),
    *(
        CgroupFile(f"blkio.{name}_device", _PER_DEVICE, Repeat.ADDS)
        for name in (
            "weight",
            "bfq.weight",
            "leaf_weight",
            "throttle.read_bps",
            "throttle.write_bps",
            "throttle.read_iops",
            "throttle.write_iops",
        )
    ),
    CgroupFile("pids.max", _COUNT),
    *(CgroupFile(f"hugetlb.{name}", _size("-1")) for name in ("*.limit_in_bytes", "*.rsvd.limit_in_bytes")),
    CgroupFile("rdma.max", _RDMA, Repeat.ADDS),
    CgroupFile("net_cls.classid", matching(r"0x[0-9a-fA-F]{1,8}|[0-9]{1,10}", "a class such as 0x100001")),
    CgroupFile("net_prio.ifpriomap", matching(r"\S{1,15} [0-9]{1,10}", "an interface and a priority"), Repeat.ADDS),
    CgroupFile("freezer.state", one_of("THAWED", "FROZEN")),
    CgroupFile("notify_on_release", TEXT),
    *_RULES,
)
