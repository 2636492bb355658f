"""What the tour has made on this machine, by looking: the proof that nothing of it is left."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from hvcore.system.cgroup_layout import current_layout
from hvcore.system.kernel_files import read_text
from hvcore.system.mountinfo import is_below, read_mounts
from hvcore.testing.leaks import Snapshot, diff, snapshot

__all__ = ["Findings", "Witness"]

Findings = dict[str, list[str]]
"""What was found, by kind."""


class Witness:
    """Looks for everything that bears the tour's word and was not there before.

    Args:
        directory: the tour's own directory; it holds the state directory ``state``.
        token: a word that is in every instance's name and in the directory's, and nowhere else.
    """

    def __init__(self, directory: Path, token: str) -> None:
        self._state_dir = directory / "state"
        self._token = token
        self._own: set[str] = set()
        self._before = self._everything()

    @contextmanager
    def watching_devices(self) -> Generator[None]:
        """Take network devices that appear during the body for the tour's own: nothing in their names need tell."""
        before = self._everything()["network devices"]
        try:
            yield
        finally:
            self._own |= self._everything()["network devices"] - before

    def note_groups(self, pid: int | None) -> None:
        """Remember the cgroups of a process, and those above them, as the tour's own unless they were there before."""
        for line in (read_text(f"/proc/{pid}/cgroup") or "").split("\n"):
            path = line.partition(":")[2].partition(":")[2]
            parents = [path, *map(str, Path(path).parents)]
            for mount_point in current_layout().hierarchies:
                groups = {mount_point + parent for parent in parents if parent.strip("/")}
                self._own |= groups - self._before["cgroups"]

    def look(self) -> Findings:
        """Return what there is now, by kind."""
        fresh = diff(self._before, self._everything())
        found = {kind: [item for item in fresh.get(kind, ()) if self._is_own(item)] for kind in self._before}
        found["files"] = list(self._files_of(found["files"]))
        return found

    def _everything(self) -> Snapshot:
        return snapshot([""], [self._state_dir])

    def _is_own(self, item: str) -> bool:
        return self._token in item or item in self._own

    def _files_of(self, paths: Iterable[str]) -> Generator[str]:
        """Leave out what all instances of a state directory share, and what is mounted there: that is the guest's."""
        mounts = [mount.mount_point for mount in read_mounts() if is_below(mount.mount_point, str(self._state_dir))]
        for path in paths:
            is_shared = os.path.isdir(path) and self._token not in os.path.basename(path)
            if not is_shared and not any(is_below(path, mount, include_self=False) for mount in mounts):
                yield path
