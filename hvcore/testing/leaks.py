"""What a node shows of a test: everything that mentions one of its unique words, to be compared before and after.

Nothing is asked of the tools under test: mounts, loop devices, cgroups, network devices, sockets, processes and files are read
from the kernel. A word must be unique on the node, so that what others do meanwhile does not disturb.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hvcore.errors import OperationFailed
from hvcore.system.cgroup_layout import current_layout
from hvcore.system.kernel_files import read_text
from hvcore.system.mountinfo import read_mounts

__all__ = ["LeakCheck", "Snapshot", "diff", "snapshot"]

Snapshot = Mapping[str, frozenset[str]]
"""What was found: the kind of thing, such as ``mounts``, and each thing in one line."""

_LOOP_GRACE_S = 2.0
_LOOK_S = 0.02
_ALWAYS_WALKED = ("/run/lxc", "/run/netns")


def snapshot(tags: Iterable[str], directories: Iterable[str | Path] = ()) -> Snapshot:
    """Return everything on this node that mentions any of some words.

    Args:
        tags: words that nothing else on the node bears; "" is in everything.
        directories: where to look for files beside LXC's and the network namespaces' own directories. Mounts below them are
            not entered.

    Returns:
        The findings by kind; a kind of which there is nothing has an empty set.
    """
    words = tuple(tags)

    def mentioned(found: Iterable[str]) -> frozenset[str]:
        return frozenset(item for item in found if any(word in item for word in words))

    return {
        "mounts": mentioned(_mounts()),
        "loop devices": mentioned(_loop_devices()),
        "cgroups": mentioned(_cgroups()),
        "network devices": mentioned(_network_devices()),
        "sockets": mentioned(_sockets()),
        "processes": mentioned(_processes()),
        "files": mentioned(_files((*_ALWAYS_WALKED, *directories))),
    }


def diff(before: Snapshot, after: Snapshot) -> dict[str, tuple[str, ...]]:
    """Return what is in the second snapshot and was not in the first, sorted; kinds without news are left out."""
    fresh = {kind: tuple(sorted(after[kind] - before.get(kind, frozenset()))) for kind in after}
    return {kind: items for kind, items in fresh.items() if items}


class LeakCheck:
    """A comparison of the node before and after.

    Args:
        tags: words that nothing else on the node bears.
        directories: where to look for files.
    """

    def __init__(self, tags: Iterable[str], directories: Iterable[str | Path] = ()) -> None:
        self._tags = list(tags)
        self._directories = list(directories)
        self._before = dict(self._look())

    def watch(self, *tags: str, directories: Iterable[str | Path] = ()) -> None:
        """Look for more words and in more directories from now on; what is there already is not held against anyone."""
        new = tuple(directories)
        known = snapshot(tags, self._directories)
        self._before = {kind: self._before[kind] | known[kind] for kind in known}
        self._before["files"] |= frozenset(_files(new))
        self._tags += tags
        self._directories += new

    def left(self) -> dict[str, tuple[str, ...]]:
        """Return what is there now and was not there before, by kind.

        A loop device alone is looked for again: the kernel frees it a moment after its last user, who may be anybody that
        looks through the node's devices.
        """
        deadline = time.monotonic() + _LOOP_GRACE_S
        while set(left := diff(self._before, self._look())) == {"loop devices"} and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        return left

    def check(self) -> None:
        """Raise AssertionError, naming every single thing that was left."""
        left = self.left()
        if left:
            lines = [f"  {kind}: {item}" for kind, items in left.items() for item in items]
            raise AssertionError("\n".join([f"{len(lines)} left behind:", *lines]))

    def _look(self) -> Snapshot:
        return snapshot(self._tags, self._directories)


def _mounts() -> Iterator[str]:
    # As the kernel writes it: options and source may mention a word as well as the mount point. The numbers are left out.
    for line in (read_text("/proc/self/mountinfo") or "").splitlines():
        yield line.split(" ", 3)[3]


def _loop_devices() -> Iterator[str]:
    for name in _names("/sys/block"):
        file = (read_text(f"/sys/block/{name}/loop/backing_file") or "").rstrip("\n")
        if file:
            yield f"/dev/{name} {file}"


def _cgroups() -> Iterator[str]:
    for mount_point in current_layout().hierarchies:
        for directory, children, _ in os.walk(mount_point):
            yield from (f"{directory}/{child}" for child in children)


def _network_devices() -> Iterator[str]:
    for name in _names("/sys/class/net"):
        alias = (read_text(f"/sys/class/net/{name}/ifalias") or "").strip()
        yield f"{name} {alias}".strip()


def _sockets() -> Iterator[str]:
    # proc(5): the path is the eighth field and the rest of the line; an abstract one begins with @.
    for line in (read_text("/proc/net/unix") or "").split("\n")[1:]:
        fields = line.split(None, 7)
        if len(fields) == 8:
            yield fields[7]


def _processes() -> Iterator[str]:
    """Every other process with its command line, cgroups and root; one that has ended and was not waited for is none."""
    for name in _names("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            state = (read_text(f"/proc/{name}/stat") or "").rpartition(")")[2].split()[:1]
            command = (read_text(f"/proc/{name}/cmdline") or "").replace("\0", " ").strip()
            groups = " ".join((read_text(f"/proc/{name}/cgroup") or "").split("\n"))
            root = os.readlink(f"/proc/{name}/root")
        except (OSError, OperationFailed):
            continue  # it ended just now, or is another user's, which this one cannot have made
        if state not in ([], ["Z"], ["X"]):
            yield f"{name} {command or '?'} (root {root}, cgroups {groups.strip()})"


def _files(directories: Iterable[str | Path]) -> Iterator[str]:
    mount_points = {mount.mount_point for mount in read_mounts()}
    for top in dict.fromkeys(map(str, directories)):
        for directory, children, files in os.walk(top):
            yield from (f"{directory}/{name}" for name in (*children, *files))
            # What is mounted there belongs to whoever mounted it, and is told as a mount.
            children[:] = [child for child in children if f"{directory}/{child}" not in mount_points]


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []  # a kernel without such things has none
