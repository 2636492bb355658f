"""Tell from the mount table how this machine's cgroups are arranged: version 1, version 2, both, or none."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from attrs import evolve, field, frozen

from hvcore.errors import InvalidInput
from hvcore.system.kernel_files import read_text
from hvcore.system.mountinfo import Mount, decode_octal, mount_at, parse_mountinfo, path_components

__all__ = ["CgroupLayout", "CgroupMode", "current_layout", "detect_layout"]

# Everything else that a version 1 hierarchy prints as its options is a controller.
_NOT_CONTROLLERS = frozenset(
    {"rw", "ro", "sync", "dirsync", "mand", "lazytime", "seclabel"}
    | {"noprefix", "clone_children", "xattr", "cpuset_v2_mode", "favordynmods"}
)


class CgroupMode(enum.StrEnum):
    """Which versions of cgroups are mounted."""

    V1 = "v1"
    HYBRID = "hybrid"
    V2 = "v2"
    NONE = "none"


def _frozen_mapping(value: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(value))


@frozen
class CgroupLayout:
    """Where the cgroup hierarchies are mounted.

    Attributes:
        mode: which versions are mounted.
        controllers: the mount point of each version 1 controller; co-mounted ones share it, and a hierarchy that has
            only a name, such as ``name=systemd``, stands under that name.
        unified: the mount point of version 2.
        unified_controllers: the controllers that version 2 offers at its root; never one that is bound to version 1.
        read_only: the mount points at which nothing can be written.
    """

    mode: CgroupMode
    controllers: Mapping[str, str] = field(converter=_frozen_mapping, hash=False)
    unified: str | None
    unified_controllers: frozenset[str]
    read_only: frozenset[str] = frozenset()

    @property
    def hierarchies(self) -> tuple[str, ...]:
        """The mount point of every hierarchy once, version 2 last."""
        points = dict.fromkeys(self.controllers.values())
        if self.unified is not None:
            points[self.unified] = None
        return tuple(points)

    def directory(self, controller: str, relative: str) -> str | None:
        """Return the directory of a cgroup in the hierarchy that a controller is bound to.

        Args:
            controller: its name, such as ``memory``.
            relative: the cgroup's path below the root of the hierarchy.

        Returns:
            The directory, whether it exists or not; None when no hierarchy has the controller.

        Raises:
            InvalidInput: the path names the root, or climbs.
        """
        base = self.controllers.get(controller)
        if base is None and controller in self.unified_controllers:
            base = self.unified
        return None if base is None else group_path(base, relative)


def group_path(mount_point: str, relative: str) -> str:
    """Return the directory of a cgroup in one hierarchy.

    Raises:
        InvalidInput: the path names the root, whose processes are everybody's, or climbs.
    """
    names = [name for name in relative.split("/") if name]
    if not names or "." in names or ".." in names:
        raise InvalidInput(
            f"{relative!r} does not name a cgroup below the root", value=relative, allowed="a path without '.' and '..'"
        )
    return f"{mount_point.rstrip('/')}/{'/'.join(names)}"


def detect_layout(mountinfo_text: str, unified_controllers_text: str) -> CgroupLayout:
    """Return the layout that a mount table describes.

    A hierarchy counts when its root, seen from the reader's cgroup namespace, is mounted and no other mount hides it;
    a mount of one subdirectory, as Docker makes it, does not. Of several mounts of one hierarchy the first writable one
    is taken, else the first.

    Args:
        mountinfo_text: what ``/proc/self/mountinfo`` says.
        unified_controllers_text: what ``cgroup.controllers`` at the root of version 2 says; empty when there is none.

    Source: cgroups(7); cgroup_namespaces(7), on the root field of mountinfo.
    """
    mounts = _cgroup_mounts(mountinfo_text)
    controllers: dict[str, str] = {}
    unified: str | None = None
    for mount in sorted(mounts, key=lambda mount: mount.is_read_only):
        if mount.fs_type == "cgroup2":
            unified = unified or mount.mount_point
            continue
        for name in _names_of(mount):
            controllers.setdefault(name, mount.mount_point)
    taken = {*controllers.values(), unified}
    return CgroupLayout(
        mode=_mode(bool(controllers), unified is not None),
        controllers=controllers,
        unified=unified,
        unified_controllers=frozenset(unified_controllers_text.split()) - controllers.keys()
        if unified is not None
        else frozenset(),
        read_only=frozenset(mount.mount_point for mount in mounts if mount.is_read_only and mount.mount_point in taken),
    )


def current_layout(root: str = "/") -> CgroupLayout:
    """Return the layout of this machine.

    Args:
        root: the directory that stands for the root directory; another one lets a tree of plain files play the machine.

    Returns:
        The layout; all its mount points begin with ``root``.

    Raises:
        OperationFailed: a file exists and cannot be read or understood.
    """
    prefix = root.rstrip("/")
    table = read_text(f"{prefix}/proc/self/mountinfo") or ""
    layout = detect_layout(table, "")
    if layout.unified is not None:
        offered = read_text(f"{prefix}{layout.unified}/cgroup.controllers") or ""
        layout = evolve(layout, unified_controllers=frozenset(offered.split()) - layout.controllers.keys())
    if not prefix:
        return layout
    return evolve(
        layout,
        controllers={name: prefix + point for name, point in layout.controllers.items()},
        unified=None if layout.unified is None else prefix + layout.unified,
        read_only=frozenset(prefix + point for point in layout.read_only),
    )


def _cgroup_mounts(text: str) -> tuple[Mount, ...]:
    """The visible mounts of hierarchy roots. Only lines that can matter are parsed: there may be thousands more."""
    lines = text.split("\n")
    candidates = parse_mountinfo("\n".join(line for line in lines if " - cgroup" in line))
    on_the_way = {"/"}
    for mount in candidates:
        names = path_components(mount.mount_point)
        on_the_way.update("/" + "/".join(names[:length]) for length in range(1, len(names) + 1))
    mounts = parse_mountinfo("\n".join(line for line in lines if _mount_point(line) in on_the_way))
    return tuple(
        mount
        for mount in mounts
        if mount.fs_type in {"cgroup", "cgroup2"} and mount.root == "/" and mount_at(mounts, mount.mount_point) == mount
    )


def _mount_point(line: str) -> str | None:
    fields = line.split(" ", 5)
    return decode_octal(fields[4]) if len(fields) == 6 else None


def _names_of(mount: Mount) -> tuple[str, ...]:
    """The controllers of a version 1 hierarchy, and its name when it has one."""
    names = tuple(name for name in mount.super_options if "=" not in name and name not in _NOT_CONTROLLERS)
    named = tuple(name.removeprefix("name=") for name in mount.super_options if name.startswith("name="))
    return names + named


def _mode(has_v1: bool, has_v2: bool) -> CgroupMode:
    if has_v1:
        return CgroupMode.HYBRID if has_v2 else CgroupMode.V1
    return CgroupMode.V2 if has_v2 else CgroupMode.NONE
