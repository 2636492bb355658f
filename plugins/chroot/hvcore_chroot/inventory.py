"""What runs: one pass over /proc and the cgroups, however many instances there are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hvcore_chroot.paths import ROOT

if TYPE_CHECKING:
    from hvcore.model.info import InstanceInfo
    from hvcore_chroot.groups import Groups
    from hvcore_chroot.paths import ChrootPaths

__all__ = ["Inventory"]


class Inventory:
    """The instances of one state directory, as the kernel sees them now.

    Args:
        hypervisor: the hypervisor's name.
        paths: where instances keep what.
        groups: their cgroups.
    """

    def __init__(self, hypervisor: str, paths: ChrootPaths, groups: Groups) -> None:
        self.hypervisor = hypervisor
        self.paths = paths
        self.groups = groups

    def pids(self) -> dict[str, set[int]]:
        """Return the processes of every instance that has any, sorted by name."""
        found = self._rooted() if self._has_directories() else {}
        for name in self.groups.names() if self.groups.home else ():
            members = self.groups.pids(name)
            if members:
                found.setdefault(name, set()).update(members)
        return dict(sorted(found.items()))

    def _rooted(self) -> dict[str, set[int]]:
        from hvcore.system.rooted import rooted_below

        found: dict[str, set[int]] = {}
        depth = len(self.paths.state_dir.parts) - 1
        for pid, names in rooted_below(str(self.paths.state_dir)):
            if names[depth + 1 : depth + 2] == (ROOT,):
                found.setdefault(names[depth], set()).add(pid)
        return found

    def _has_directories(self) -> bool:
        """Whether there is any root that a process could have; who may not look may not look at roots either."""
        try:
            return bool(os.listdir(self.paths.state_dir))
        except OSError:
            return False

    def describe(self, name: str, pids: set[int]) -> InstanceInfo | None:
        """Describe one instance; None when its processes have ended meanwhile.

        Memory and CPUs are those of its definition: a chroot has no limits, and nothing holds it to them.
        """
        from hvcore.model.info import InstanceInfo
        from hvcore.model.state import InstanceState
        from hvcore.system.process_usage import usage_of

        usage = usage_of(pids)
        if not usage.processes:
            return None
        memory_mib, vcpus = self._defined(name)
        return InstanceInfo(
            name=name,
            hypervisor=self.hypervisor,
            state=InstanceState.PAUSED if self.groups.is_frozen(name) else InstanceState.RUNNING,
            memory_mib=memory_mib,
            vcpus=vcpus,
            cpu_seconds=usage.cpu_seconds,
            memory_used_mib=usage.memory_mib,
            processes=usage.processes,
        )

    def _defined(self, name: str) -> tuple[int, int]:
        """The memory and the CPUs of the saved definition; 0 where it is lost."""
        from hvcore.errors import StateFailed
        from hvcore.system.definitions import load_definition

        try:
            known = load_definition(self.paths.definition(name))
        except StateFailed:
            known = None
        return (known.instance.memory_mib, known.instance.vcpus) if known else (0, 0)
