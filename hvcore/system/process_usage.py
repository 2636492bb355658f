"""Sum up what processes use, one read for each."""

from __future__ import annotations

import os
from collections.abc import Iterable

from attrs import frozen

from hvcore.errors import OperationFailed
from hvcore.system.kernel_files import read_text

__all__ = ["ProcessUsage", "is_dead", "usage_of"]

_MIB = 1024 * 1024


@frozen
class ProcessUsage:
    """What some processes use.

    Attributes:
        processes: how many of them there are.
        memory_mib: their resident memory in MiB; what several share counts for each.
        cpu_seconds: the CPU time that they, and those of their children that have ended, have used.
        memory_bytes: the same memory in bytes.
        user_seconds: the part of the CPU time that was spent in programs; the rest was spent in the kernel.
        threads: how many threads they have.
    """

    processes: int
    memory_mib: int
    cpu_seconds: float
    memory_bytes: int = 0
    user_seconds: float = 0.0
    threads: int = 0


def usage_of(pids: Iterable[int]) -> ProcessUsage:
    """Measure processes; one that has ended meanwhile is left out.

    Source: proc(5), /proc/pid/stat: utime, stime, cutime and cstime (fields 14 to 17), num_threads (field 20), rss
    (field 24).
    """
    found = [fields for fields in map(_fields, pids) if fields]
    ticks = sum(int(value) for fields in found for value in fields[11:15])
    in_programs = sum(int(fields[index]) for fields in found for index in (11, 13))
    memory_bytes = sum(int(fields[21]) for fields in found) * os.sysconf("SC_PAGE_SIZE")
    return ProcessUsage(
        processes=len(found),
        memory_mib=memory_bytes // _MIB,
        cpu_seconds=ticks / os.sysconf("SC_CLK_TCK"),
        memory_bytes=memory_bytes,
        user_seconds=in_programs / os.sysconf("SC_CLK_TCK"),
        threads=sum(int(fields[17]) for fields in found),
    )


def is_dead(pid: int) -> bool:
    """Tell whether a process has ended, waited for or not; one whose first thread alone has ended has not."""
    fields = _fields(pid)
    return not fields or (fields[0] in {"Z", "X"} and int(fields[17]) <= 1)


def _fields(pid: int) -> list[str]:
    """The fields of a process behind its name, the state first; none when it is gone."""
    try:
        return (read_text(f"/proc/{pid}/stat") or "").rpartition(")")[2].split()
    except OperationFailed:
        return []  # it ended between the opening and the reading
