"""Cgroups of instances: made with their limits, measured, frozen, killed and removed, on version 1, hybrid and version 2.

The whole of systemd-nspawn runs in the instance's cgroup, so that killing the cgroup ends all of it. systemd-nspawn makes
sub-cgroups for itself and its payload where systemd's own hierarchy or version 2 is mounted.

Sources: Linux, Documentation/admin-guide/cgroup-v1/memory.rst, scheduler/sched-bwc.rst and cgroup-v2.rst.
"""

from __future__ import annotations

import os
from contextlib import suppress

from attrs import field, frozen

from hvcore import Instance, InstanceInfo, InstanceState
from hvcore.errors import HypervisorError, MissingRequirement, OperationFailed
from hvcore.system import (
    CgroupLayout,
    current_layout,
    freeze_group,
    group_directories,
    is_frozen,
    is_populated,
    kill_group,
    namespace_pid,
    pids_below,
    read_text,
    remove_group,
    thaw_group,
    write_value,
)
from hvcore_nspawn.places import Places

__all__ = ["CONTROLLERS", "Groups"]

CONTROLLERS = ("freezer", "memory", "cpu", "cpuacct")
"""What is used of version 1; version 2 counts CPU time and freezes without a controller."""

_SYSTEMD = "name=systemd"
_PERIOD_US = 100_000
_MIB = 2**20
_NO_LIMIT = 2**62
_KILL_TIMEOUT_S = 30.0
_TRIES = 100


@frozen
class Groups:
    """The cgroups of one hypervisor's instances.

    Attributes:
        places: what they are called.
        layout: how the node's hierarchies are mounted.
    """

    places: Places
    layout: CgroupLayout = field(factory=current_layout)

    # -- making and removing ---------------------------------------------------------------------------------------

    def make(self, instance: Instance, memory_mib: int) -> None:
        """Make an instance's cgroup in every hierarchy that is used, with its limits."""
        for directory in self.directories(instance.name):
            self._make(directory)
        self.set_memory(instance.name, memory_mib)
        quota_us = instance.vcpus * _PERIOD_US
        if "cpu" in self.layout.controllers:
            self._write("cpu", instance.name, "cpu.cfs_period_us", str(_PERIOD_US))
            self._write("cpu", instance.name, "cpu.cfs_quota_us", str(quota_us))
        else:
            self._write("cpu", instance.name, "cpu.max", f"{quota_us} {_PERIOD_US}")

    def directories(self, name: str) -> tuple[str, ...]:
        """Return where an instance's cgroup is or will be; every process is in or below the first of them.

        Raises:
            MissingRequirement: the node lacks a controller.
        """
        for controller in ("memory", "cpu"):
            if controller not in self.layout.controllers and controller not in self.layout.unified_controllers:
                raise MissingRequirement(
                    f"this node has no {controller} cgroup controller", resolution="enable it in the kernel"
                )
        used = dict.fromkeys(self.layout.controllers.get(word) for word in (*CONTROLLERS, _SYSTEMD))
        tops = [top for top in (*used, self.layout.unified) if top is not None]
        return tuple(f"{top}/{self.places.group(name)}" for top in tops)

    def remove(self, name: str) -> None:
        """Remove an instance's cgroup, and the parent when this was the last; idempotent."""
        left = remove_group(self.layout, self.places.group(name))
        if left:
            raise OperationFailed(f"the cgroup of {name} cannot be removed", details=left)
        for directory in group_directories(self.layout, self.places.parent_group):
            with suppress(OSError):  # another instance uses it
                os.rmdir(directory)

    def _make(self, directory: str) -> None:
        parent = os.path.dirname(directory)
        for left in reversed(range(_TRIES)):
            try:
                os.makedirs(parent, exist_ok=True)
                self._enable_controllers(parent)
                os.makedirs(directory, exist_ok=True)
            except (FileNotFoundError, HypervisorError):
                # Another instance's end has just removed the parent as empty.
                if not left:
                    raise
            else:
                return

    def _enable_controllers(self, parent: str) -> None:
        """Hand the controllers of version 2 down to a parent's children."""
        wanted = " ".join(f"+{word}" for word in ("memory", "cpu") if word in self.layout.unified_controllers)
        if wanted and self.layout.unified and parent.startswith(f"{self.layout.unified}/"):
            for directory in (self.layout.unified, parent):
                write_value(f"{directory}/cgroup.subtree_control", wanted)

    # -- limits ----------------------------------------------------------------------------------------------------

    def set_memory(self, name: str, memory_mib: int) -> None:
        """Limit memory and swap together; when half of it fails, the old limits are in force again."""
        size = str(memory_mib * _MIB)
        if "memory" not in self.layout.controllers:
            self._write("memory", name, "memory.max", size)
            if self._read("memory", name, "memory.swap.max"):
                self._write("memory", name, "memory.swap.max", "0")
            return
        files = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]
        before = {file: self._read("memory", name, file) for file in files}
        # The sum may never be smaller than its part, so the order depends on the direction.
        if memory_mib * _MIB > int(before[files[0]] or 0):
            files.reverse()
        done: list[str] = []
        try:
            for file in files:
                if before[file]:
                    self._write("memory", name, file, size)
                    done.append(file)
        except HypervisorError:
            for file in reversed(done):
                self._write("memory", name, file, before[file])
            raise

    # -- what runs -------------------------------------------------------------------------------------------------

    def names(self) -> tuple[str, ...]:
        """Return the instances that have a guest, sorted."""
        found: set[str] = set()
        for directory in group_directories(self.layout, self.places.parent_group):
            found.update(entry[3:] for entry in os.listdir(directory) if entry.startswith("ct-"))
        return tuple(name for name in sorted(found) if self.leader(name) is not None)

    def is_populated(self, name: str) -> bool:
        """Tell whether an instance has any process, systemd-nspawn's own included."""
        return is_populated(self.layout, self.places.group(name))

    def pids(self, name: str) -> tuple[int, ...]:
        """Return every process of an instance, sorted."""
        return tuple(sorted(pids_below(group_directories(self.layout, self.places.group(name)))))

    def leader(self, name: str) -> int | None:
        """Return the guest's first process in the node's view, or None when there is no guest."""
        return next((pid for pid in self.pids(name) if namespace_pid(pid) == 1), None)

    def describe(self, name: str, hypervisor: str) -> InstanceInfo | None:
        """Measure an instance; None when it has no guest, or ends meanwhile."""
        pid = self.leader(name)
        limit = self._read("memory", name, "memory.limit_in_bytes") or self._read("memory", name, "memory.max")
        quota = self._read("cpu", name, "cpu.cfs_quota_us") or self._read("cpu", name, "cpu.max").partition(" ")[0]
        seconds = self._cpu_seconds(name)
        if pid is None or not limit or not quota or seconds is None:
            return None
        return InstanceInfo(
            name=name,
            hypervisor=hypervisor,
            state=InstanceState.PAUSED if is_frozen(self.layout, self.places.group(name)) else InstanceState.RUNNING,
            memory_mib=0 if limit == "max" or int(limit) > _NO_LIMIT else int(limit) // _MIB,
            vcpus=int(quota) // _PERIOD_US if quota.isdecimal() else os.cpu_count() or 1,
            cpu_seconds=seconds,
            pid=pid,
        )

    # -- changing what runs ----------------------------------------------------------------------------------------

    def freeze(self, name: str) -> None:
        """Stop every process of an instance where it is."""
        freeze_group(self.layout, self.places.group(name))

    def thaw(self, name: str) -> None:
        """Let them run on."""
        thaw_group(self.layout, self.places.group(name))

    def kill(self, name: str) -> None:
        """End every process of an instance, frozen or not, and wait until they are gone."""
        kill_group(self.layout, self.places.group(name), _KILL_TIMEOUT_S)

    # -- files -----------------------------------------------------------------------------------------------------

    def _cpu_seconds(self, name: str) -> float | None:
        nanoseconds = self._read("cpuacct", name, "cpuacct.usage")
        if nanoseconds:
            return int(nanoseconds) / 1e9
        for line in self._read("cpu", name, "cpu.stat").splitlines():
            if line.startswith("usage_usec "):
                return int(line.split()[1]) / 1e6
        return None

    def _read(self, controller: str, name: str, file: str) -> str:
        directory = self.layout.directory(controller, self.places.group(name))
        return (read_text(f"{directory}/{file}") or "").strip() if directory else ""

    def _write(self, controller: str, name: str, file: str, value: str) -> None:
        write_value(f"{self.layout.directory(controller, self.places.group(name))}/{file}", value)
