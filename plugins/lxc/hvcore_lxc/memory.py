"""Changing a running container's memory limit.

Sources: the kernel's cgroup-v1/memory.rst (memory and swap together can never be limited below memory alone, so growing
raises the sum first and shrinking lowers it last) and cgroup-v2.rst (``memory.max`` below the usage kills, so the usage is
brought down with ``memory.high`` first).
"""

from __future__ import annotations

import os

from hvcore.errors import HypervisorError, NotRunning, OperationFailed
from hvcore.system.cgroup_layout import CgroupLayout
from hvcore.system.kernel_files import read_value, write_value

__all__ = ["set_memory_limit"]

_MIB = 1024 * 1024


def set_memory_limit(layout: CgroupLayout, group: str, memory_mib: int) -> None:
    """Change the limit of a cgroup; when half of it fails, the old limits are in force again.

    Args:
        layout: how the node's hierarchies are mounted.
        group: the cgroup, relative to the root of each hierarchy.
        memory_mib: the new limit in MiB, 1 or more.

    Raises:
        NotRunning: there is no such cgroup.
        OperationFailed: the kernel refused; the old limits are in force again.
    """
    directory = layout.directory("memory", group)
    if directory is None or not os.path.isdir(directory):
        raise NotRunning("it has no memory cgroup, so it does not run", resolution="start it first")
    size = memory_mib * _MIB
    if "memory" in layout.controllers:
        _set_v1(directory, size)
    else:
        _set_v2(directory, size)


def _set_v1(directory: str, size: int) -> None:
    limit = f"{directory}/memory.limit_in_bytes"
    swap = f"{directory}/memory.memsw.limit_in_bytes"
    files = [limit]
    if os.path.exists(swap):
        files = [swap, limit] if size > _number(limit) else [limit, swap]
    before = {file: read_value(file) or "" for file in files}
    written: list[str] = []
    try:
        for file in files:
            write_value(file, str(size))
            written.append(file)
    except HypervisorError as error:
        error.left_behind += tuple(filter(None, (_restore(file, before[file]) for file in reversed(written))))
        error.resolution = error.resolution or _ADVICE
        raise


def _set_v2(directory: str, size: int) -> None:
    current = f"{directory}/memory.current"
    high = f"{directory}/memory.high"
    if _number(current) > size:
        before = read_value(high) or "max"
        # The write returns when the kernel has reclaimed what it could.
        try:
            write_value(high, str(size))
            usage = _number(current)
        finally:
            write_value(high, before)
        if usage > size:
            raise OperationFailed(
                f"the guest uses {usage // _MIB} MiB, more than {size // _MIB} MiB, and the kernel could not reclaim them",
                resolution=_ADVICE,
            )
    write_value(f"{directory}/memory.max", str(size))


_ADVICE = "free memory inside the guest, or choose a larger size"


def _restore(file: str, value: str) -> str:
    try:
        write_value(file, value)
    except HypervisorError as error:
        return f"{file} is not {value} again: {error.message}"
    return ""


def _number(file: str) -> int:
    text = read_value(file) or "0"
    return 1 << 62 if text == "max" else int(text)
