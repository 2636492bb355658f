"""Cgroup hierarchies made of plain files, for code that is given a ``CgroupLayout``, or a root directory to find one in.

Files cannot do all that the kernel does. What is written is read back at once; ``settle`` does what the kernel would have done
by then, and a test calls it after the code under test has written. A kernel's cgroup is removed with its files in it, a
directory of files is not: what removes cgroups needs a live test.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from hvcore.system.cgroup_layout import CgroupLayout, current_layout, group_path
from hvcore.testing.cgroup_files import NO_LIMIT_V1, NOT_AT_THE_ROOT, V1_CONTROLLERS, V2_CONTROLLERS, files_v1, files_v2

__all__ = ["FakeCgroups"]

_BASE = "sys/fs/cgroup"
_LIMITS_V1 = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")


class FakeCgroups:
    """A machine's cgroups: ``FakeCgroups.v1(tmp_path)``, ``.hybrid(tmp_path)`` or ``.v2(tmp_path)``.

    A cgroup is named by its path below the root of every hierarchy, such as ``guests/web1``.

    Args:
        root: the directory that plays the machine's root directory.
        v1: the version 1 hierarchies; the names of co-mounted controllers are joined by a comma.
        unified: the controllers that version 2 has; None when it is not mounted.
        has_swap: whether the kernel counts swap.

    Attributes:
        layout: what ``current_layout(root)`` finds.
    """

    def __init__(
        self, root: Path, *, v1: Iterable[str] = (), unified: Iterable[str] | None = None, has_swap: bool = True
    ) -> None:
        self._has_swap = has_swap
        self._homes: dict[Path, dict[int, Path]] = {}
        names = tuple(v1)
        lines = [_mount_line(number, f"/{_BASE}/{name}", name) for number, name in enumerate(names)]
        if unified is not None:
            point = f"/{_BASE}/unified" if names else f"/{_BASE}"
            lines.append(_mount_line(len(names), point, None))
            controllers = Path(f"{root}{point}/cgroup.controllers")
            controllers.parent.mkdir(parents=True)
            controllers.write_text(" ".join(unified) + "\n")
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/mountinfo").write_text("".join(lines))
        self.layout: CgroupLayout = current_layout(str(root))
        for hierarchy in self._hierarchies:
            hierarchy.mkdir(parents=True, exist_ok=True)
            self._fill(hierarchy, hierarchy)

    @classmethod
    def v1(cls, root: Path, controllers: Iterable[str] = V1_CONTROLLERS, *, has_swap: bool = True) -> FakeCgroups:
        """Return a machine with version 1 alone."""
        return cls(root, v1=controllers, has_swap=has_swap)

    @classmethod
    def hybrid(cls, root: Path, controllers: Iterable[str] = V1_CONTROLLERS, *, has_swap: bool = True) -> FakeCgroups:
        """Return a machine with its controllers on version 1, and version 2 beside it, as systemd's hybrid layout has it."""
        return cls(root, v1=controllers, unified=(), has_swap=has_swap)

    @classmethod
    def v2(cls, root: Path, controllers: Iterable[str] = V2_CONTROLLERS, *, has_swap: bool = True) -> FakeCgroups:
        """Return a machine with version 2 alone."""
        return cls(root, unified=controllers, has_swap=has_swap)

    def put(self, group: str, *pids: int) -> None:
        """Make a cgroup in every hierarchy, those above it included, and let it have exactly these processes.

        Args:
            group: the cgroup.
            pids: its own processes, without those of its sub-cgroups; the kernel is not asked whether they exist. 0 is a
                process that the reader's pid namespace does not see.

        Raises:
            InvalidInput: the path names the root, or climbs.
        """
        for hierarchy in self._hierarchies:
            directory = Path(group_path(str(hierarchy), group))
            directory.mkdir(parents=True, exist_ok=True)
            homes = self._homes.setdefault(hierarchy, {})
            for pid in [pid for pid, home in homes.items() if home == directory]:
                del homes[pid]
            homes.update(dict.fromkeys(pids, directory))
            self._list(hierarchy)
        self.settle()

    def directory(self, controller: str, group: str) -> Path:
        """Return the directory of a cgroup.

        Args:
            controller: whose hierarchy is meant; ``unified`` means version 2.
            group: the cgroup.

        Raises:
            ValueError: the machine has no such controller.
        """
        if controller == "unified" and self.layout.unified is not None:
            return Path(group_path(self.layout.unified, group))
        directory = self.layout.directory(controller, group)
        if directory is None:
            raise ValueError(f"this machine has no {controller} controller")
        return Path(directory)

    def read(self, controller: str, group: str, file: str) -> str:
        """Return what a file says, without the newline at its end."""
        return (self.directory(controller, group) / file).read_text().removesuffix("\n")

    def write(self, controller: str, group: str, file: str, value: object) -> None:
        """Let a file say something; unlike ``settle``, nothing follows from it."""
        (self.directory(controller, group) / file).write_text(f"{value}\n")

    def settle(self) -> None:
        """Do what the kernel does by itself.

        A new directory gets its files. A process that was written to ``cgroup.procs`` moves there, the others stay. On version
        2, ``cgroup.kill`` ends processes, and ``cgroup.events`` tells of processes and of ``cgroup.freeze``; on version 1, a
        memory limit of -1 is none.
        """
        for hierarchy in self._hierarchies:
            groups = _groups(hierarchy)
            for group in groups:
                self._fill(hierarchy, group)
            self._move(hierarchy, groups)
            if str(hierarchy) == self.layout.unified:
                self._settle_v2(hierarchy, groups)
            else:
                _settle_v1(groups)
            self._list(hierarchy)

    @property
    def _hierarchies(self) -> tuple[Path, ...]:
        return tuple(map(Path, self.layout.hierarchies))

    def _fill(self, hierarchy: Path, group: Path) -> None:
        """Make the files that a cgroup lacks."""
        if str(hierarchy) == self.layout.unified:
            files = files_v2(sorted(self.layout.unified_controllers), self._has_swap)
        else:
            bound = [name for name, point in self.layout.controllers.items() if point == str(hierarchy)]
            files = files_v1(bound, self._has_swap)
        for name, content in files.items():
            if group == hierarchy and name.startswith(NOT_AT_THE_ROOT):
                continue
            if not (group / name).exists():
                (group / name).write_text(f"{content}\n" if content else "")

    def _list(self, hierarchy: Path) -> None:
        """Write who lives where."""
        for group in _groups(hierarchy):
            pids = sorted(pid for pid, home in self._homes[hierarchy].items() if home == group)
            (group / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))

    def _move(self, hierarchy: Path, groups: list[Path]) -> None:
        """Note who was moved by a write to ``cgroup.procs``; a file that lists a process which lives elsewhere is the newer."""
        homes = self._homes.setdefault(hierarchy, {})
        before = dict(homes)
        for group in groups:
            for pid in map(int, (group / "cgroup.procs").read_text().split()):
                if before.get(pid) != group:
                    homes[pid] = group

    def _settle_v2(self, hierarchy: Path, groups: list[Path]) -> None:
        homes = self._homes[hierarchy]
        for group in groups:
            if (group / "cgroup.kill").read_text().strip() == "1":
                (group / "cgroup.kill").write_text("")
                for pid in [pid for pid, home in homes.items() if home.is_relative_to(group)]:
                    del homes[pid]
        for group in groups:
            populated = any(home.is_relative_to(group) for home in homes.values())
            frozen = any((above / "cgroup.freeze").read_text().strip() == "1" for above in _up_to(hierarchy, group))
            (group / "cgroup.events").write_text(f"populated {populated:d}\nfrozen {frozen:d}\n")


def _groups(hierarchy: Path) -> list[Path]:
    """All cgroups but the root."""
    return [Path(path) for path, _, _ in os.walk(hierarchy) if path != str(hierarchy)]


def _settle_v1(groups: list[Path]) -> None:
    for group in groups:
        for file in (group / name for name in _LIMITS_V1):
            if file.exists() and file.read_text().strip() == "-1":
                file.write_text(f"{NO_LIMIT_V1}\n")


def _up_to(hierarchy: Path, group: Path) -> Iterator[Path]:
    """A cgroup and those above it, without the root."""
    while group != hierarchy:
        yield group
        group = group.parent


def _mount_line(number: int, point: str, name: str | None) -> str:
    """One line of mountinfo: a version 1 hierarchy with its controllers, or version 2 when there are none.

    Source: proc(5), /proc/pid/mountinfo.
    """
    options = "rw" if name is None else "rw,name=systemd" if name == "systemd" else f"rw,{name}"
    kind = "cgroup2" if name is None else "cgroup"
    return f"{30 + number} 20 0:{30 + number} / {point} rw,nosuid,nodev,noexec,relatime - {kind} {kind} {options}\n"
