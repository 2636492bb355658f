"""What the tour has made on this machine, by looking: the proof that nothing of it is left."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from hvcore.errors import OperationFailed
from hvcore.system.cgroup_layout import current_layout
from hvcore.system.kernel_files import read_text
from hvcore.system.mountinfo import read_mounts

__all__ = ["Findings", "Witness"]

Findings = dict[str, list[str]]
"""What was found, by kind."""

_NETWORK = Path("/sys/class/net")
_LOCKS = Path("/run/lxc")


class Witness:
    """Looks for everything that bears the tour's marks and was not there before.

    Args:
        directory: the tour's own directory; it holds the state directory ``state``.
        token: a word that is in every instance's name and nowhere else.
    """

    def __init__(self, directory: Path, token: str) -> None:
        self._directory = directory
        self._token = token
        self._suspects: set[str] = set()
        self._groups: set[str] = set()
        self._groups_before = set(_all_groups())

    @contextmanager
    def watching_devices(self) -> Generator[None]:
        """Take network devices that appear during the body for the tour's own: nothing in their names tells."""
        before = set(_names_in(_NETWORK))
        try:
            yield
        finally:
            self._suspects |= set(_names_in(_NETWORK)) - before

    def note_groups(self, pid: int | None) -> None:
        """Remember the cgroups of a process, and those above them, as the tour's own unless they were there before."""
        for line in (read_text(f"/proc/{pid}/cgroup") or "").split("\n"):
            path = line.partition(":")[2].partition(":")[2]
            parents = [path, *(str(parent) for parent in Path(path).parents)]
            for mount_point in current_layout().hierarchies:
                self._groups |= {mount_point + parent for parent in parents if parent.strip("/")} - self._groups_before

    def look(self) -> Findings:
        """Return what there is now, by kind."""
        return {
            "mounts": [m.mount_point for m in read_mounts() if self._is_ours(m.mount_point) or self._is_ours(m.source)],
            "loop devices": [name for name, file in _loop_devices() if self._is_ours(file)],
            "cgroups": [group for group in _all_groups() if self._token in group or group in self._groups],
            "network devices": sorted(self._suspects & set(_names_in(_NETWORK))),
            "processes": [f"{pid} {text}" for pid, text in _processes() if self._is_ours(text)],
            "state files": list(self._state_files()),
        }

    def _is_ours(self, text: str) -> bool:
        return self._token in text or str(self._directory) in text

    def _state_files(self) -> Iterator[str]:
        mounts = {mount.mount_point for mount in read_mounts()}
        for place in (self._directory / "state", _LOCKS):
            for directory, children, files in os.walk(place):
                yield from (f"{directory}/{file}" for file in files if self._is_ours(f"{directory}/{file}"))
                yield from (f"{directory}/{child}" for child in children if self._token in child)
                # What is mounted there is the guest's, not state.
                children[:] = [child for child in children if f"{directory}/{child}" not in mounts]


def _all_groups() -> Iterator[str]:
    for mount_point in current_layout().hierarchies:
        for directory, children, _ in os.walk(mount_point):
            for child in children:
                yield f"{directory}/{child}"


def _loop_devices() -> Iterator[tuple[str, str]]:
    for name in _names_in(Path("/sys/block")):
        if name.startswith("loop"):
            yield name, read_text(f"/sys/block/{name}/loop/backing_file") or ""


def _processes() -> Iterator[tuple[int, str]]:
    """Every other process: its command line and its cgroups, as one text."""
    for name in _names_in(Path("/proc")):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            command = (read_text(f"/proc/{name}/cmdline") or "").replace("\0", " ")
            groups = read_text(f"/proc/{name}/cgroup") or ""
        except OperationFailed:
            continue  # another user's process, which is none of the tour's
        yield int(name), f"{command.strip()} {groups}"


def _names_in(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []  # a machine without such things has none of the tour's
