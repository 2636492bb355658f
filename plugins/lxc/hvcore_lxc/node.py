"""What the node's kernel says: which processors there are, and which process is a container's init."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.system.kernel_files import read_text
from hvcore.system.processes import namespace_pids

if TYPE_CHECKING:
    from hvcore.system.kept_files import Look

__all__ = ["find_init", "online_cpus"]


def online_cpus() -> frozenset[int]:
    """Return the numbers of the CPUs that are online.

    Source: Linux, Documentation/admin-guide/cputopology.rst: /sys/devices/system/cpu/online.
    """
    text = read_text("/sys/devices/system/cpu/online")
    if text is None:
        import os

        return frozenset(os.sched_getaffinity(0))
    from hvcore.model.cpu_mask import parse_cpu_mask

    return frozenset(parse_cpu_mask(text.strip()))


def find_init(pids: tuple[int, ...], look: Look | None = None) -> int | None:
    """Return the one of a container's processes that is init inside: number 1 of its own pid namespace.

    Args:
        pids: the container's processes, in the host's view.
        look: remembers inits by a file of theirs that it keeps open, since asking for that number costs more.
    """
    if look is not None:
        for pid in pids:
            if look.read_kept(_mark(pid)):
                return pid
    for pid in pids:
        numbers = namespace_pids(pid)
        # Two numbers, the node's and the guest's; the init of a container inside the container has three.
        if len(numbers) == 2 and numbers[1] == 1:
            if look is not None:
                look.read(_mark(pid))
            return pid
    return None


def _mark(pid: int) -> str:
    return f"/proc/{pid}/comm"
