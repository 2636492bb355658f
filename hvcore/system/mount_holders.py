"""Find out who keeps a mount busy: processes that use something on it, and loop devices whose image lies on it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from attrs import frozen

from hvcore.errors import OperationFailed
from hvcore.system.kernel_files import read_text
from hvcore.system.mountinfo import Mount, is_below
from hvcore.system.processes import process_name

__all__ = ["Holder", "find_holders", "images_below"]


@frozen
class Holder:
    """A process that keeps a mount busy.

    Attributes:
        pid: its id.
        name: its short name.
        uses: what of it lies on the mount, such as ``cwd``, ``root``, ``exe``, ``fd 3`` or ``map``.
    """

    pid: int
    name: str
    uses: tuple[str, ...]

    def __str__(self) -> str:
        return f"process {self.pid} ({self.name}): {', '.join(self.uses)}"


def find_holders(mounts: Sequence[Mount]) -> tuple[Holder, ...]:
    """Return the processes that use something on the given mounts.

    The kernel's mount numbers decide, not paths: a process in another mount namespace may have the same paths and hold
    nothing here. But to ask for the number is to open what is asked about, which keeps the mount that it lies on busy for
    a moment; so only what has a fitting path is asked about, and nobody else's mount is disturbed.

    Args:
        mounts: mounts of the caller's own mount namespace.
    """
    wanted = _Wanted(
        mount_ids=frozenset(mount.mount_id for mount in mounts),
        devices=frozenset(mount.device for mount in mounts),
        points=frozenset(mount.mount_point for mount in mounts),
    )
    holders: list[Holder] = []
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        uses = tuple(_uses(pid, wanted))
        name = process_name(pid)
        if uses and name is not None:
            holders.append(Holder(pid, name, uses))
    return tuple(holders)


def images_below(directory: str) -> tuple[str, ...]:
    """Return the loop devices whose image file lies at or below a directory, each with the image's path."""
    found: list[str] = []
    for name in sorted(os.listdir("/sys/block")):
        image = (read_text(f"/sys/block/{name}/loop/backing_file") or "").removesuffix("\n")
        if image.startswith("/") and is_below(image.removesuffix(" (deleted)"), directory):
            found.append(f"/dev/{name} ({image})")
    return tuple(found)


@frozen
class _Wanted:
    mount_ids: frozenset[int]
    devices: frozenset[str]
    points: frozenset[str]

    def may_hold(self, path: str) -> bool:
        """Whether a path as the kernel prints it may lie on one of the mounts."""
        return path.startswith("/") and any(is_below(path, point) for point in self.points)


def _uses(pid: int, wanted: _Wanted) -> Iterator[str]:
    for link in ("cwd", "root", "exe"):
        if _is_on(f"/proc/{pid}/{link}", wanted):
            yield link
    for descriptor in sorted(_names(f"/proc/{pid}/fd"), key=int):
        if _is_on(f"/proc/{pid}/fd/{descriptor}", wanted):
            yield f"fd {descriptor}"
    if any(_is_on(link, wanted) for link in _maps(pid, wanted)):
        yield "map"


def _maps(pid: int, wanted: _Wanted) -> Iterator[str]:
    """The links to the files that a process has mapped from the wanted devices.

    Source: proc(5), /proc/pid/maps and /proc/pid/map_files.
    """
    for line in (_text(f"/proc/{pid}/maps") or "").split("\n"):
        fields = line.split(" ", 4)
        if len(fields) == 5 and ":".join(str(int(part, 16)) for part in fields[3].split(":")) in wanted.devices:
            start, end = fields[0].split("-")
            yield f"/proc/{pid}/map_files/{int(start, 16):x}-{int(end, 16):x}"


def _is_on(link: str, wanted: _Wanted) -> bool:
    """Whether the target of one of proc's magic links lies on a wanted mount."""
    try:
        if not wanted.may_hold(os.readlink(link)):
            return False
        descriptor = os.open(link, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return False  # The process has ended, has no such thing, or may not be looked at: nothing to name.
    try:
        return _mount_of_fdinfo(f"/proc/self/fdinfo/{descriptor}") in wanted.mount_ids
    finally:
        os.close(descriptor)


def _mount_of_fdinfo(path: str) -> int | None:
    for line in (_text(path) or "").split("\n"):
        if line.startswith("mnt_id:"):
            return int(line.split()[1])
    return None


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []  # As above: the process has ended or may not be looked at.


def _text(path: str) -> str | None:
    try:
        return read_text(path)
    except OperationFailed:
        return None  # As above.
