"""Limits that ask for more than the node has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hvcore.errors import HypervisorError
from hvcore.model.cpu_mask import parse_cpu_mask
from hvcore.model.lint import LintFinding, Severity
from hvcore_lxc.config_text import ConfigLine
from hvcore_lxc.keys.cgroup_files import size_bytes
from hvcore_lxc.keys.versions import cgroup_file_of
from hvcore_lxc.lint.subject import Subject

__all__ = ["limit_rules"]

_MEMORY = (
    *("memory.max", "memory.high", "memory.low", "memory.min"),
    *("memory.limit_in_bytes", "memory.soft_limit_in_bytes"),
)
_MIB = 2**20
_GIB_KIB = 2**20
_DEFAULT_PERIOD_US = 100_000
_SYSTEM = "/proc/sys"


def limit_rules(subject: Subject) -> Iterator[LintFinding]:
    """Find limits over the node's memory, CPUs, processes, terminals and huge pages."""
    for line in subject.entries:
        _, name = cgroup_file_of(line.key)
        check = _CHECKS.get(name or line.key)
        if name in _MEMORY:
            check = _memory
        elif name.startswith("hugetlb."):
            check = _huge_pages
        if check is not None and line.value:
            yield from check(subject, line)


def _over(subject: Subject, line: ConfigLine, message: str, *, fails: bool = False) -> LintFinding:
    severity = Severity.ERROR if fails else Severity.WARNING
    return subject.about_value(line, "over-node", message, severity=severity)


def _memory(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    wanted, there = size_bytes(line.value), subject.node.memory_bytes
    if wanted is not None and there is not None and wanted > there:
        message = f"{line.key} is {wanted // _MIB} MiB, and this node has {there // _MIB} MiB"
        yield _over(subject, line, message)


def _cpu_list(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    yield from _list(subject, line, subject.node.cpus, "CPUs")


def _node_list(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    yield from _list(subject, line, subject.node.numbers("/sys/devices/system/node/online"), "memory nodes")


def _list(subject: Subject, line: ConfigLine, there: frozenset[int], what: str) -> Iterator[LintFinding]:
    try:
        missing = sorted(set(parse_cpu_mask(line.value)) - there)
    except HypervisorError:
        return  # no list at all, which the rule about values tells
    if there and missing:
        shown = ", ".join(map(str, missing[:8])) + (", ..." if len(missing) > 8 else "")
        yield _over(subject, line, f"this node has no {what} {shown}", fails=True)


def _cpu_max(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    quota, _, period = line.value.partition(" ")
    if quota.isdigit() and (period or "1").isdigit():
        yield from _cpu_time(subject, line, int(quota), int(period or _DEFAULT_PERIOD_US))


def _cpu_quota(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    periods = subject.values("lxc.cgroup.cpu.cfs_period_us")
    period = periods[-1] if periods else str(_DEFAULT_PERIOD_US)
    if line.value.isdigit() and period.isdigit():
        yield from _cpu_time(subject, line, int(line.value), int(period))


def _cpu_time(subject: Subject, line: ConfigLine, quota_us: int, period_us: int) -> Iterator[LintFinding]:
    cpus = len(subject.node.cpus)
    if cpus and period_us and quota_us > cpus * period_us:
        yield _over(subject, line, f"{line.key} is the time of {quota_us / period_us:g} CPUs, and this node has {cpus}")


def _at_most(file: str, what: str, *, fails: bool = False) -> Callable[[Subject, ConfigLine], Iterator[LintFinding]]:
    def check(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
        most = subject.node.number(file)
        numbers = [int(word) for word in line.value.replace(":", " ").split() if word.isdigit()]
        if most is not None and numbers and max(numbers) > most:
            yield _over(subject, line, f"{line.key} is {max(numbers)}, and {what} is {most}", fails=fails)

    return check


def _huge_pages(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    size = cgroup_file_of(line.key)[1].split(".")[1]
    kib = {"KB": 1, "MB": 1024, "GB": _GIB_KIB}.get(size[-2:])
    if not kib or not size[:-2].isdigit():
        yield subject.about_key(line, "cgroup-file", f"{size!r} is no size of huge pages, such as 2MB")
    elif not subject.node.exists(f"/sys/kernel/mm/hugepages/hugepages-{int(size[:-2]) * kib}kB"):
        yield _over(subject, line, f"this node has no huge pages of {size}", fails=True)


_PIDS = _at_most(f"{_SYSTEM}/kernel/pid_max", "the most processes of this node")
_PTYS = _at_most(f"{_SYSTEM}/kernel/pty/max", "the most pseudo-terminals of this node")

_CHECKS: Mapping[str, Callable[[Subject, ConfigLine], Iterator[LintFinding]]] = {
    "cpuset.cpus": _cpu_list,
    "cpuset.mems": _node_list,
    "cpu.max": _cpu_max,
    "cpu.cfs_quota_us": _cpu_quota,
    "pids.max": _PIDS,
    "lxc.tty.max": _PTYS,
    "lxc.pty.max": _PTYS,
    "lxc.prlimit.nofile": _at_most(f"{_SYSTEM}/fs/nr_open", "the most open files of a process here", fails=True),
    "lxc.prlimit.nproc": _PIDS,
}
