"""What a cgroup manager is: one object that limits, measures, freezes and removes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from hvcore.model.state import InstanceState

if TYPE_CHECKING:
    from hvcore.model.instance import Instance
    from hvcore.system.cgroup_stats import GroupStats
    from hvcore_lxc.document import ConfigEntry

__all__ = ["CgroupManager", "Usage"]


@frozen
class Usage:
    """What the kernel says of one running container.

    Attributes:
        name: the instance's name.
        state: running or paused.
        pids: the pids of its processes, in the host's view, sorted.
        memory_mib: its memory limit in MiB; 0 when it has none.
        vcpus: the CPUs it may use, as a number.
        cpu_seconds: CPU time used since its start.
    """

    name: str
    state: InstanceState
    pids: tuple[int, ...]
    memory_mib: int
    vcpus: int
    cpu_seconds: float


class CgroupManager(Protocol):
    """Everything that is done with the containers' cgroups, so that an override keeps it together."""

    @property
    def name(self) -> str:
        """What plans call it."""
        ...

    def group(self, instance_name: str) -> str:
        """Return a container's cgroup, relative to the root of every hierarchy; for limits that are changed live."""
        ...

    def limits(self, instance: Instance) -> tuple[ConfigEntry, ...]:
        """Return what LXC shall set before the container's init runs; touches nothing."""
        ...

    def prepare(self, instance_name: str) -> None:
        """Remove what an earlier container of that name has left, since LXC refuses to start over it."""
        ...

    def set_memory(self, instance_name: str, memory_mib: int) -> None:
        """Change the memory limit, in the order that is safe; restore the old ones when half of it fails."""
        ...

    def names(self) -> tuple[str, ...]:
        """Return the names of the containers that have processes, sorted."""
        ...

    def usage(self, instance_name: str) -> Usage | None:
        """Measure one container; None when it has no processes."""
        ...

    def all_usage(self) -> tuple[Usage, ...]:
        """Measure every container that has processes, sorted by name, in one pass over the kernel's files."""
        ...

    def stats(self, instance_name: str) -> GroupStats:
        """Say what a container has used, by kind; touches nothing."""
        ...

    def freeze(self, instance_name: str) -> None:
        """Stop every process of a container where it is."""
        ...

    def thaw(self, instance_name: str) -> None:
        """Let every process of a frozen container run on."""
        ...

    def pids(self, instance_name: str) -> tuple[int, ...]:
        """Return the pids of a container's processes, in the host's view, sorted."""
        ...

    def monitor_pids(self, instance_name: str) -> tuple[int, ...]:
        """Return the pids of a container's monitor; empty when it is dead."""
        ...

    def kill(self, instance_name: str, timeout_s: float) -> None:
        """End every process of a container, frozen or not, and wait until they are gone."""
        ...

    def destroy(self, instance_name: str) -> None:
        """Remove every cgroup of a container that has no processes; idempotent."""
        ...
