"""Measuring containers: one pass over the kernel's files, and no process for any of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

from hvcore.errors import OperationFailed
from hvcore.model.cpu_mask import parse_cpu_mask
from hvcore.model.state import InstanceState
from hvcore.system.cgroup_layout import CgroupLayout
from hvcore.system.kernel_files import read_pids, read_text
from hvcore_lxc.cgroup_manager import Usage

__all__ = ["UsageReader"]

_PREFIX = "ct-"
_MIB = 1024 * 1024
_NO_LIMIT = 1 << 62
_LINKS_OF_A_LEAF = 2


class UsageReader:
    """Reads what the kernel says of containers.

    A container runs when its cgroup has processes, whatever became of its monitor.

    Args:
        parent: the cgroup below which every container's cgroup is.
        layout: how the node's hierarchies are mounted.
        read: how to read a file that holds a value.
    """

    def __init__(self, parent: str, layout: CgroupLayout, read: Callable[[str], str | None] = read_text) -> None:
        self._read = read
        self._unified = None if layout.unified is None else f"{layout.unified}/{parent}"
        self._v1 = {controller: f"{point}/{parent}" for controller, point in layout.controllers.items()}
        # Every process is in the freezer, even where a guest moves its own to sub-cgroups of other hierarchies.
        self._home = self._v1.get("freezer") or self._unified or next(iter(self._v1.values()), None)

    def read_all(self) -> tuple[Usage, ...]:
        """Measure every container that has processes, sorted by name.

        Raises:
            OperationFailed: the containers cannot be enumerated.
        """
        if self._home is None:
            return ()
        try:
            names = sorted(entry[len(_PREFIX) :] for entry in os.listdir(self._home) if entry.startswith(_PREFIX))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise OperationFailed(f"containers cannot be enumerated in {self._home}: {error.strerror}") from error
        found = (self.read(name) for name in names)
        return tuple(usage for usage in found if usage is not None)

    def read(self, name: str) -> Usage | None:
        """Measure one container; None when it has no processes, or ends while it is measured."""
        if self._home is None:
            return None
        group = f"/{_PREFIX}{name}"
        pids = self._pids(self._home + group)
        if not pids:
            return None
        memory = self._memory_mib(group)
        seconds = self._cpu_seconds(group)
        vcpus = self._vcpus(group)
        if memory is None or seconds is None or vcpus is None:
            return None
        state = InstanceState.PAUSED if self._is_paused(group) else InstanceState.RUNNING
        return Usage(name, state, pids, memory, vcpus, seconds)

    def pids(self, name: str) -> tuple[int, ...]:
        """Return the pids of a container's processes, sorted; empty when it does not run."""
        return () if self._home is None else self._pids(f"{self._home}/{_PREFIX}{name}")

    def _pids(self, directory: str) -> tuple[int, ...]:
        pids = read_pids(f"{directory}/cgroup.procs")
        try:
            links = os.stat(directory).st_nlink
        except FileNotFoundError:
            return ()
        # A directory without directories has two links: its own and its parent's. A guest may have made sub-cgroups.
        if links == _LINKS_OF_A_LEAF:
            return tuple(sorted(pids))
        from hvcore.system.cgroup_tree import pids_below

        return tuple(sorted(pids_below([directory])))

    def _is_paused(self, group: str) -> bool:
        freezer = self._v1.get("freezer")
        if freezer is not None:
            return (self._read(f"{freezer}{group}/freezer.state") or "").startswith("FR")
        if self._unified is None:
            return False
        return "frozen 1" in (self._read(f"{self._unified}{group}/cgroup.events") or "")

    def _memory_mib(self, group: str) -> int | None:
        v1 = self._v1.get("memory")
        if v1 is None and self._unified is None:
            return 0
        limit = self._read(f"{v1}{group}/memory.limit_in_bytes" if v1 else f"{self._unified}{group}/memory.max")
        if limit is None:
            return None if v1 else 0
        return 0 if limit.startswith("max") or int(limit) >= _NO_LIMIT else int(limit) // _MIB

    def _cpu_seconds(self, group: str) -> float | None:
        v1 = self._v1.get("cpuacct")
        if v1 is not None:
            text = self._read(f"{v1}{group}/cpuacct.usage")
            return None if text is None else int(text) / 1e9
        if self._unified is None:
            return 0.0
        text = self._read(f"{self._unified}{group}/cpu.stat")
        return None if text is None else int(_field(text, "usage_usec")) / 1e6

    def _vcpus(self, group: str) -> int | None:
        quota = self._quota(group)
        if quota > 0:
            return quota
        v1 = self._v1.get("cpuset")
        mask: str | None = None
        if v1 is not None:
            mask = self._read(f"{v1}{group}/cpuset.cpus")
            if mask is None:
                return None
        elif self._unified is not None:
            mask = self._read(f"{self._unified}{group}/cpuset.cpus.effective")
        # Without the controller, or with a mask that it left empty, there is no limit but the node's own CPUs.
        return _cpu_count((mask or "").strip()) or os.cpu_count() or 1

    def _quota(self, group: str) -> int:
        """The CPU time per period, in whole CPUs and rounded up; 0 without a limit."""
        v1 = self._v1.get("cpu")
        if v1 is not None:
            text = self._read(f"{v1}{group}/cpu.cfs_quota_us")
            if text is None or int(text) <= 0:
                return 0
            period = self._read(f"{v1}{group}/cpu.cfs_period_us")
            return -(-int(text) // int(period or 100_000))
        if self._unified is None:
            return 0
        text = self._read(f"{self._unified}{group}/cpu.max")
        if text is None or text.startswith("max"):
            return 0
        quota, _, period = text.partition(" ")
        return -(-int(quota) // int(period))


@lru_cache(maxsize=64)
def _cpu_count(mask: str) -> int:
    return len(set(parse_cpu_mask(mask)))


def _field(text: str, key: str) -> str:
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == key:
            return value
    return "0"
