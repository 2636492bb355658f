"""What the Linux kernel says about this node's memory and CPUs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from hvcore.errors import OperationFailed
from hvcore.model.node import NodeInfo

__all__ = ["linux_node_info"]

_KIB_PER_MIB = 1024
# ASCII digits only, and no more than 64 bits need: int() would also take signs, underscores and other scripts' digits.
_SIZE = re.compile(r"([0-9]{1,20})(?:[ \t]+kB)?")
_PROCESSOR = re.compile(rb"^processor[ \t]*:[ \t]*[0-9]+$", re.MULTILINE)
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
_CPU_DIRECTORY = re.compile(r"cpu([0-9]{1,9})")
_PACKAGE_ID = re.compile(r"[0-9]{1,20}")
_SHOWN_CHARACTERS = 120


def linux_node_info(
    meminfo: str | Path = "/proc/meminfo", cpuinfo: str | Path = "/proc/cpuinfo", *, sysfs: str | Path = "/sys"
) -> NodeInfo:
    """Read the node's memory, CPUs, NUMA nodes and sockets from the kernel's files.

    Free memory is MemAvailable. A kernel or an emulation that does not report it gets MemFree + Buffers + Cached, each
    rounded down to MiB before the sum; Buffers and Cached count as 0 where they are not reported either.

    Every online NUMA node counts, also one without memory or without CPUs. A socket counts when one of its CPUs is
    online, however many dies it holds. Where sysfs shows no topology, as in some containers, both are 1.

    Args:
        meminfo: the memory report, in the format of ``/proc/meminfo`` (kB).
        cpuinfo: the CPU report, in the format of ``/proc/cpuinfo``.
        sysfs: where sysfs is mounted.

    Returns:
        The node's resources, memory in MiB; ``memory_hv_mib`` and ``hv_version`` are None.

    Raises:
        OperationFailed: a report cannot be read, lacks a needed line or holds something else than a number there.

    Source: Ganeti 3.1, ``GetLinuxNodeInfo``; proc_meminfo(5); in the kernel's ``Documentation/``,
    ``admin-guide/cputopology.rst`` and ``ABI/stable/sysfs-devices-node``.
    """
    total_mib, free_mib = _memory_mib(str(meminfo))
    cpus = _cpu_count(str(cpuinfo))
    system = Path(sysfs, "devices/system")
    return NodeInfo(
        memory_total_mib=total_mib,
        memory_free_mib=free_mib,
        memory_dom0_mib=total_mib - free_mib,
        cpu_total=cpus,
        cpu_nodes=_numa_nodes(system / "node") or 1,
        cpu_sockets=_sockets(system / "cpu") or 1,
        cpu_dom0=cpus,
    )


def _memory_mib(file: str) -> tuple[int, int]:
    """Return the total and the free memory."""
    text = _read(file, "/proc/meminfo").decode("ascii", "backslashreplace")
    lines: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        key, colon, value = line.partition(":")
        if colon:
            lines[key.strip(" \t")] = (number, value.strip(" \t"))

    def mib(key: str) -> int:
        number, value = lines[key]
        match = _SIZE.fullmatch(value)
        if not match:
            _refuse(file, "/proc/meminfo", f"{key} has no number of kB", f"line {number}: {key}: {_shown(value)}")
        return int(match[1]) // _KIB_PER_MIB

    if "MemTotal" not in lines:
        _refuse(file, "/proc/meminfo", "there is no MemTotal line")
    if "MemAvailable" in lines:
        return mib("MemTotal"), mib("MemAvailable")
    if "MemFree" not in lines:
        _refuse(file, "/proc/meminfo", "there is neither a MemAvailable nor a MemFree line")
    return mib("MemTotal"), sum(mib(key) for key in ("MemFree", "Buffers", "Cached") if key in lines)


def _cpu_count(file: str) -> int:
    count = len(_PROCESSOR.findall(_read(file, "/proc/cpuinfo")))
    if not count:
        _refuse(file, "/proc/cpuinfo", "there is no processor line")
    return count


def _numa_nodes(directory: Path) -> int:
    """Count the online NUMA nodes; 0 where the directory does not tell."""
    return sum(last - first + 1 for first, last in _ranges(_shown_by_sysfs(directory / "online")))


def _sockets(directory: Path) -> int:
    """Count the packages of the online CPUs; 0 where the directory does not tell."""
    online = _ranges(_shown_by_sysfs(directory / "online"))
    try:
        names = [path.name for path in directory.iterdir()]
    except OSError:
        return 0  # as in _shown_by_sysfs
    packages: set[str] = set()
    for name in names:
        match = _CPU_DIRECTORY.fullmatch(name)
        # An offline CPU does not count even if its topology is still shown. Without a list, all that show one count.
        if not match or (online and not any(first <= int(match[1]) <= last for first, last in online)):
            continue
        package = _shown_by_sysfs(directory / name / "topology/physical_package_id")
        # The kernel says -1 where the platform does not know.
        if _PACKAGE_ID.fullmatch(package):
            packages.add(package)
    return len(packages)


def _ranges(text: str) -> list[tuple[int, int]]:
    """Parse a kernel list such as ``0-3,8``, without expanding it; empty when it is not one."""
    matches = [_RANGE.fullmatch(part) for part in text.split(",")]
    ranges = [(int(match[1]), int(match[2] or match[1])) for match in matches if match]
    return ranges if len(ranges) == len(matches) and all(first <= last for first, last in ranges) else []


def _shown_by_sysfs(path: Path) -> str:
    """Return the attribute's text, or nothing where this kernel or container does not show it."""
    try:
        return path.read_bytes().decode("ascii", "backslashreplace").strip()
    except OSError:
        # Topology is extra knowledge with a defined answer for its absence; hidden and refused are alike here.
        return ""


def _read(file: str, usual: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise OperationFailed(
            f"{file!r} cannot be read: {reason}", details=[f"file: {file}"], resolution=_resolution(usual)
        ) from error


def _refuse(file: str, usual: str, reason: str, *details: str) -> NoReturn:
    raise OperationFailed(
        f"{file!r} does not describe a node: {reason}",
        details=[f"file: {file}", *details],
        resolution=_resolution(usual),
    )


def _resolution(usual: str) -> str:
    return f"give a file in the format of {usual}; for this node, see that /proc is mounted and {usual} is readable"


def _shown(value: str) -> str:
    if not value:
        return "(empty)"
    return repr(value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}...")
