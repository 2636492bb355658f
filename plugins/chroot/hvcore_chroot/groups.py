"""The cgroups of instances: one each in the hierarchy that freezes, so that all its processes can be paused and found.

A process of an instance stays in its cgroup wherever it goes, even out of the root. What somebody else puts into the
root, such as an administrator's shell, is known by its root directory alone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property

from hvcore.errors import OperationFailed, Unsupported
from hvcore.system.cgroup_layout import CgroupLayout, current_layout
from hvcore_chroot.paths import ChrootPaths

__all__ = ["MOUNT_A_FREEZER", "NO_FREEZER", "Groups"]

NO_FREEZER = "this node has no cgroup freezer"
"""Why nothing can be paused."""

MOUNT_A_FREEZER = "mount cgroup2 on /sys/fs/cgroup, or the freezer controller of version 1"
"""What to do about it."""

_PREFIX = "ct-"
_TRIES = 100


class Groups:
    """The cgroups of one state directory's instances.

    Args:
        paths: where they are.
    """

    def __init__(self, paths: ChrootPaths) -> None:
        self.paths = paths

    @cached_property
    def layout(self) -> CgroupLayout:
        """How the node's hierarchies are mounted."""
        return current_layout()

    @cached_property
    def home(self) -> str | None:
        """Where the hierarchy is mounted that freezes; None on a node that has none, or that cannot be written."""
        point = self.layout.controllers.get("freezer") or self.layout.unified
        return None if point in self.layout.read_only else point

    def require_freezer(self) -> None:
        """Raise Unsupported on a node that cannot pause."""
        if self.home is None:
            raise Unsupported(
                f"{NO_FREEZER}, so nothing can be paused",
                resolution=MOUNT_A_FREEZER,
            )

    def names(self) -> tuple[str, ...]:
        """Return the names of the instances that have a cgroup, with processes or without.

        Raises:
            OperationFailed: they cannot be enumerated.
        """
        parent = f"{self.home}/{self.paths.group_parent}"
        try:
            return tuple(entry[len(_PREFIX) :] for entry in os.listdir(parent) if entry.startswith(_PREFIX))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise OperationFailed(f"{parent} cannot be listed: {error.strerror}") from error

    def entries(self, name: str) -> tuple[str, ...]:
        """Return the files to which a process writes itself in order to be an instance's; none without a freezer."""
        return () if self.home is None else (f"{self._directory(name)}/cgroup.procs",)

    def pids(self, name: str) -> frozenset[int]:
        """Return the processes in an instance's cgroup, without those that are only to be waited for."""
        from hvcore.system.cgroup_tree import pids_below
        from hvcore.system.process_usage import is_dead

        if self.home is None:
            return frozenset()
        return frozenset(pid for pid in pids_below([self._directory(name)]) if not is_dead(pid))

    def is_frozen(self, name: str) -> bool:
        """Tell whether an instance is paused."""
        from hvcore.system.cgroup_freezer import is_frozen

        return self.home is not None and is_frozen(self.layout, self.paths.group(name))

    def freeze(self, name: str) -> None:
        """Stop every process of an instance where it is, and each that enters its cgroup from now on."""
        from hvcore.system.cgroup_freezer import freeze_group

        self.require_freezer()
        freeze_group(self.layout, self.paths.group(name))

    def thaw(self, name: str) -> None:
        """Let every process of a frozen instance run on; one without a cgroup is not frozen."""
        from hvcore.system.cgroup_freezer import thaw_group

        if self.home is None:
            return
        try:
            thaw_group(self.layout, self.paths.group(name))
        except OperationFailed:
            # One that ended meanwhile, cgroup and all, has no processes that could still be frozen.
            if self.pids(name):
                raise

    def make(self, name: str) -> None:
        """Make the cgroup of an instance, thawed.

        Raises:
            OSError: the kernel refused.
        """
        for left in reversed(range(_TRIES)):
            try:
                if self.home is not None:
                    os.makedirs(self._directory(name), mode=0o755, exist_ok=True)
                    self.thaw(name)
            except FileNotFoundError:
                # Another instance's end removed the parent between two of the calls.
                if not left:
                    raise
            else:
                return

    def kill(self, name: str, timeout_s: float) -> None:
        """End every process in an instance's cgroup, frozen or not, and wait until they are gone."""
        from hvcore.system.cgroup_kill import kill_group

        if self.home is not None:
            kill_group(self.layout, self.paths.group(name), timeout_s)

    def remove(self, name: str) -> None:
        """Remove the cgroup of an instance, and the parent with the last one; idempotent.

        Raises:
            OperationFailed: processes live in it.
        """
        from hvcore.system.cgroup_tree import group_directories, remove_group

        if self.home is None:
            return
        group = self.paths.group(name)
        left = remove_group(self.layout, group) if group_directories(self.layout, group) else ()
        if left:
            raise OperationFailed(
                f"cgroup {group} cannot be removed",
                details=left,
                resolution="its processes wait inside the kernel; try again when they have ended",
            )
        self._remove_parent()

    def _remove_parent(self) -> None:
        # Another instance has its cgroup there, or another manager was faster.
        with suppress(OSError):
            os.rmdir(f"{self.home}/{self.paths.group_parent}")

    def _directory(self, name: str) -> str:
        return f"{self.home}/{self.paths.group(name)}"
