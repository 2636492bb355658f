"""What runs: one pass over /proc and the cgroups, however many instances there are."""

from __future__ import annotations

from attrs import frozen

from hvcore.model.info import InstanceInfo
from hvcore.model.state import InstanceState
from hvcore.system.process_usage import usage_of
from hvcore.system.rooted import rooted_below
from hvcore_chroot.groups import Groups
from hvcore_chroot.paths import ROOT, ChrootPaths

__all__ = ["Inventory"]


@frozen
class Inventory:
    """The instances of one state directory, as the kernel sees them now.

    Attributes:
        hypervisor: the hypervisor's name.
        paths: where instances keep what.
        groups: their cgroups.
    """

    hypervisor: str
    paths: ChrootPaths
    groups: Groups

    def pids(self) -> dict[str, set[int]]:
        """Return the processes of every instance that has any, sorted by name."""
        found: dict[str, set[int]] = {}
        depth = len(self.paths.state_dir.parts) - 1
        for pid, names in rooted_below(str(self.paths.state_dir)):
            if names[depth + 1 : depth + 2] == (ROOT,):
                found.setdefault(names[depth], set()).add(pid)
        for name in self.groups.names() if self.groups.home else ():
            members = self.groups.pids(name)
            if members:
                found.setdefault(name, set()).update(members)
        return dict(sorted(found.items()))

    def describe(self, name: str, pids: set[int]) -> InstanceInfo | None:
        """Describe one instance; None when its processes have ended meanwhile.

        Memory and CPUs are those of its definition: a chroot has no limits, and nothing holds it to them.
        """
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
