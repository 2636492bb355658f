"""Read the kernel's table of mounts and find mounts in it by path components, never by string prefix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hvcore.errors import OperationFailed
from hvcore.system.kernel_files import read_text

__all__ = [
    "Mount",
    "decode_octal",
    "is_below",
    "mount_at",
    "mount_of_path",
    "mounts_below",
    "mounts_of_device",
    "parse_mountinfo",
    "path_components",
    "read_mounts",
]

_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")


class Mount(NamedTuple):
    """One line of the table.

    Attributes:
        mount_id: the kernel's number of the mount, unique while it lives.
        parent_id: the number of the mount that it is mounted on.
        device: ``major:minor`` of the file system; btrfs and other virtual devices have major 0.
        root: the directory of the file system that forms the root of the mount.
        mount_point: where it is mounted, seen from the reader's root directory.
        options: the options of this mount.
        fs_type: the type of the file system.
        source: the device or whatever the file system calls its source; may be empty.
        super_options: the options of the file system, which all its mounts share.
        propagation: ``shared:N``, ``master:N`` and the like; empty for a private mount.
    """

    mount_id: int
    parent_id: int
    device: str
    root: str
    mount_point: str
    options: tuple[str, ...]
    fs_type: str
    source: str
    super_options: tuple[str, ...]
    propagation: tuple[str, ...] = ()

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written through this mount."""
        return "ro" in self.options or "ro" in self.super_options


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """Return the mounts in the kernel's order, which is the order in which they were made.

    Args:
        text: what ``/proc/PID/mountinfo`` says, decoded with surrogates for bytes that are not UTF-8.

    Raises:
        OperationFailed: a line does not have the documented form.

    Source: proc(5), /proc/pid/mountinfo.
    """
    # Only the newline and the blank separate: a path may hold every other white space there is.
    return tuple(_parse_line(number, line) for number, line in enumerate(text.split("\n"), 1) if line)


def read_mounts(path: str = "/proc/self/mountinfo") -> tuple[Mount, ...]:
    """Return the mounts that a process sees.

    Args:
        path: the mountinfo file of the process.

    Returns:
        The mounts in the order in which they were made; empty when the process is gone.

    Raises:
        OperationFailed: the file cannot be read or understood.
    """
    return parse_mountinfo(read_text(path) or "")


def path_components(path: str) -> tuple[str, ...]:
    """Return the names that an absolute path consists of; the root directory has none.

    Raises:
        OperationFailed: the path is relative or climbs with ``..``, so that its text does not say what it names.
    """
    names = tuple(name for name in path.split("/") if name not in {"", "."})
    if not path.startswith("/") or ".." in names:
        raise OperationFailed(f"{path!r} is not an absolute path without '..'")
    return names


def is_below(path: str, directory: str, *, include_self: bool = True) -> bool:
    """Return whether a path is a directory itself or lies below it, judged by the text's components."""
    names, wanted = path_components(path), path_components(directory)
    return names[: len(wanted)] == wanted and (include_self or len(names) > len(wanted))


def mounts_below(mounts: Sequence[Mount], directory: str, include_self: bool = True) -> tuple[Mount, ...]:
    """Return the mounts at and below a directory in the order in which they can be unmounted.

    A mount comes before the one that it is mounted on, so stacked mounts come off from the top; otherwise the latest
    comes first.

    Args:
        mounts: the table.
        directory: an absolute path.
        include_self: whether mounts at the directory itself count.
    """
    inside = [mount for mount in mounts if is_below(mount.mount_point, directory, include_self=include_self)]
    depths = _depths(mounts)
    inside.reverse()
    # The order of making alone would be wrong for a mount that was moved onto a later one.
    inside.sort(key=lambda mount: -depths[mount.mount_id])
    return tuple(inside)


def mount_at(mounts: Sequence[Mount], directory: str) -> Mount | None:
    """Return the mount that one sees at a directory, the topmost of a stack, or None when nothing is mounted there."""
    found = mount_of_path(mounts, directory)
    if found is None or path_components(found.mount_point) != path_components(directory):
        return None
    return found


def mount_of_path(mounts: Sequence[Mount], path: str) -> Mount | None:
    """Return the mount that a path lies on, walked as the kernel walks: a mount hidden under another is never met."""
    names = path_components(path)
    known = {mount.mount_id for mount in mounts}
    children: dict[int | None, list[tuple[tuple[str, ...], Mount]]] = {}
    for mount in mounts:
        point = path_components(mount.mount_point)
        if names[: len(point)] == point:
            # The root mount names itself or a mount of another namespace as its parent.
            is_top = mount.parent_id == mount.mount_id or mount.parent_id not in known
            children.setdefault(None if is_top else mount.parent_id, []).append((point, mount))
    found: Mount | None = None
    while reachable := children.pop(found.mount_id if found else None, None):
        found = min(reachable, key=lambda child: len(child[0]))[1]
    return found


def mounts_of_device(mounts: Iterable[Mount], device: str) -> tuple[Mount, ...]:
    """Return the mounts of a device, in the order of the table.

    Args:
        mounts: the table.
        device: ``major:minor``.
    """
    return tuple(mount for mount in mounts if mount.device == device)


def decode_octal(field: str) -> str:
    r"""Return a field with the kernel's octal escapes (``\040`` for a blank) turned back into what they stand for."""
    if "\\" not in field:
        return field
    data = field.encode("utf-8", "surrogateescape")
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), data).decode("utf-8", "surrogateescape")


def _parse_line(number: int, line: str) -> Mount:
    fields = line.split(" ")
    try:
        dash = fields.index("-", 6)
        # Some file systems print their own options without escaping blanks.
        fs_type, source, super_options = fields[dash + 1], fields[dash + 2], " ".join(fields[dash + 3 :])
        return Mount(
            mount_id=int(fields[0]),
            parent_id=int(fields[1]),
            device=fields[2],
            root=decode_octal(fields[3]),
            mount_point=decode_octal(fields[4]),
            options=_options(fields[5]),
            fs_type=decode_octal(fs_type),
            source=decode_octal(source),
            super_options=_options(super_options),
            propagation=tuple(fields[6:dash]),
        )
    except (ValueError, IndexError) as error:
        raise OperationFailed(f"line {number} of the kernel's mount table is not understood: {line!r}") from error


def _options(field: str) -> tuple[str, ...]:
    return tuple(decode_octal(option) for option in field.split(",")) if field else ()


def _depths(mounts: Sequence[Mount]) -> dict[int, int]:
    """How many mounts each one stands on."""
    parents = {mount.mount_id: mount.parent_id for mount in mounts}
    depths: dict[int, int] = {}
    for mount in mounts:
        chain: list[int] = []
        current = mount.mount_id
        while current in parents and current not in depths and current not in chain:
            chain.append(current)
            current = parents[current]
        base = depths.get(current, 0)
        for distance, mount_id in enumerate(reversed(chain), 1):
            depths[mount_id] = base + distance
    return depths
