"""What the node's processors are called."""

from __future__ import annotations

from hvcore.model.cpu_mask import parse_cpu_mask
from hvcore.system.kernel_files import read_text

__all__ = ["online_cpus"]


def online_cpus() -> frozenset[int]:
    """Return the numbers of the CPUs that are online.

    Source: Linux, Documentation/admin-guide/cputopology.rst: /sys/devices/system/cpu/online.
    """
    text = read_text("/sys/devices/system/cpu/online")
    if text is None:
        import os

        return frozenset(os.sched_getaffinity(0))
    return frozenset(parse_cpu_mask(text.strip()))
