"""The default cgroup manager: version 1, hybrid and version 2, decided per resource by what the node has mounted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from hvcore.errors import MissingRequirement, OperationFailed
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode, current_layout
from hvcore.system.kept_files import KeptFiles
from hvcore_lxc.cgroup_manager import Usage
from hvcore_lxc.cgroup_usage import UsageReader
from hvcore_lxc.paths import LxcPaths

if TYPE_CHECKING:
    from hvcore.model.instance import Instance
    from hvcore.system.cgroup_stats import GroupStats
    from hvcore_lxc.document import ConfigEntry

__all__ = ["DefaultCgroups"]

_MONITOR_TIMEOUT_S = 5.0


@frozen
class DefaultCgroups:
    """Limits, measures, freezes and removes containers' cgroups.

    LXC itself makes the cgroups at fixed places (``lxc.cgroup.dir``), so one directory listing names every container and
    no path depends on the cgroup of whoever started it.

    Attributes:
        paths: where the cgroups are.
        layout: how the node's hierarchies are mounted.
    """

    paths: LxcPaths
    layout: CgroupLayout = field(factory=current_layout)
    _kept: KeptFiles = field(factory=KeptFiles, init=False, eq=False, repr=False)

    @property
    def name(self) -> str:
        """What plans call it."""
        return f"default ({self.layout.mode})"

    def group(self, instance_name: str) -> str:
        """Return a container's cgroup, relative to the root of every hierarchy."""
        return self.paths.container_group(instance_name)

    def limits(self, instance: Instance) -> tuple[ConfigEntry, ...]:
        """Return the cgroup keys of the configuration.

        Raises:
            MissingRequirement: no cgroup hierarchy is mounted.
        """
        if self.layout.mode is CgroupMode.NONE:
            raise MissingRequirement(
                "no cgroup hierarchy is mounted",
                resolution="mount cgroup2 on /sys/fs/cgroup, as systemd and Debian's cgroupfs-mount do",
            )
        from hvcore_lxc.cgroup_limits import limit_entries

        return limit_entries(instance, self.layout)

    def prepare(self, instance_name: str) -> None:
        """Remove empty cgroups that an earlier container of that name has left.

        Raises:
            OperationFailed: they cannot be removed because processes live in them.
        """
        from hvcore.system.cgroups import group_directories, remove_group

        for group in self._groups(instance_name):
            if not group_directories(self.layout, group):
                continue
            left = remove_group(self.layout, group, timeout_s=1.0)
            if left:
                raise OperationFailed(
                    f"processes live in a cgroup named {group} already",
                    details=left,
                    resolution=f"'hv stop --force {instance_name}' ends them",
                )

    def set_memory(self, instance_name: str, memory_mib: int) -> None:
        """Change the memory limit; see ``hvcore_lxc.memory``."""
        from hvcore_lxc.memory import set_memory_limit

        set_memory_limit(self.layout, self.paths.container_group(instance_name), memory_mib)

    def names(self) -> tuple[str, ...]:
        """Return the names of the containers that have processes, sorted."""
        return tuple(usage.name for usage in self.all_usage())

    def usage(self, instance_name: str) -> Usage | None:
        """Measure one container; None when it has no processes."""
        return self._reader(self.paths.container_parent).read(instance_name)

    def all_usage(self) -> tuple[Usage, ...]:
        """Measure every container that has processes, sorted by name."""
        with self._kept.look() as look:
            return UsageReader(self.paths.container_parent, self.layout, look.read).read_all()

    def stats(self, instance_name: str) -> GroupStats:
        """Read the statistics of a container's cgroups."""
        from hvcore.system.cgroup_stats import read_group_stats

        return read_group_stats(self.layout, self.paths.container_group(instance_name))

    def freeze(self, instance_name: str) -> None:
        """Stop every process of a container where it is."""
        from hvcore.system.cgroups import freeze_group

        freeze_group(self.layout, self.paths.container_group(instance_name))

    def thaw(self, instance_name: str) -> None:
        """Let every process of a frozen container run on; one that has ended needs no thawing."""
        from hvcore.system.cgroups import thaw_group

        try:
            thaw_group(self.layout, self.paths.container_group(instance_name))
        except OperationFailed:
            # A container that ended meanwhile has no processes that could still be frozen.
            if self.pids(instance_name):
                raise

    def pids(self, instance_name: str) -> tuple[int, ...]:
        """Return the pids of a container's processes, in the host's view, sorted."""
        return self._reader(self.paths.container_parent).pids(instance_name)

    def monitor_pids(self, instance_name: str) -> tuple[int, ...]:
        """Return the pids of a container's monitor; empty when it is dead."""
        return self._reader(self.paths.monitor_parent).pids(instance_name)

    def kill(self, instance_name: str, timeout_s: float) -> None:
        """End every process of a container, frozen or not, and wait until they are gone."""
        from hvcore.system.cgroups import kill_group

        kill_group(self.layout, self.paths.container_group(instance_name), timeout_s)

    def destroy(self, instance_name: str) -> None:
        """Remove every cgroup of a container.

        Raises:
            OperationFailed: processes live in one of them.
        """
        from hvcore.system.cgroups import group_directories, kill_group, remove_group

        monitor = self.paths.monitor_group(instance_name)
        if self.monitor_pids(instance_name):
            kill_group(self.layout, monitor, _MONITOR_TIMEOUT_S)
        for group in self._groups(instance_name):
            if group_directories(self.layout, group):
                left = remove_group(self.layout, group, timeout_s=_MONITOR_TIMEOUT_S)
                if left:
                    raise OperationFailed(
                        f"cgroup {group} cannot be removed",
                        details=left,
                        resolution="its processes wait inside the kernel; try again when they have ended",
                    )

    def _groups(self, instance_name: str) -> tuple[str, str]:
        return self.paths.container_group(instance_name), self.paths.monitor_group(instance_name)

    def _reader(self, parent: str) -> UsageReader:
        return UsageReader(parent, self.layout)
