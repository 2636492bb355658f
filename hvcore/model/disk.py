"""Disks: what an instance keeps its files on, and where the node finds it."""

from __future__ import annotations

import enum
from typing import Any

from attrs import field, frozen

from hvcore.model.names import refuse_control_characters
from hvcore.model.validation import by, check_absolute_path, check_flag, check_mount_point, member

__all__ = ["BlockDevice", "Disk", "DiskKind"]


class DiskKind(enum.StrEnum):
    """What lies at a disk's path."""

    DIRECTORY = "directory"
    BLOCK = "block"
    IMAGE = "image"


def _kind(value: DiskKind | str | None) -> DiskKind | None:
    return None if value is None else member(DiskKind, value, "kind")


def _check_uri(value: object, key: str) -> None:
    if value is not None:
        refuse_control_characters(value, key)


@frozen
class Disk:
    """A disk of an instance.

    Args:
        path: the absolute path of a directory, a block device or an image file on the node.
        kind: which of them it is; None finds out at start.
        mount_point: where the guest sees it: an absolute path in its shortest form; "" for the root.
        read_only: whether the guest may only read it.

    Raises:
        InvalidInput: a field is out of its range.
    """

    path: str = field(validator=by(check_absolute_path))
    kind: DiskKind | None = field(default=None, converter=_kind)
    mount_point: str = field(default="", validator=by(check_mount_point))
    read_only: bool = field(default=False, validator=by(check_flag))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON."""
        return {
            "path": self.path,
            "kind": None if self.kind is None else self.kind.value,
            "mount_point": self.mount_point,
            "read_only": self.read_only,
        }


@frozen
class BlockDevice:
    """A disk together with the place where the node offers it at start.

    Args:
        disk: the disk.
        path: the absolute path of a link to it, a device or an image; it may hold a colon.
        uri: the address for user-space access, or None.

    Raises:
        InvalidInput: the path is relative, or a text holds a control character.
    """

    disk: Disk
    path: str = field(validator=by(check_absolute_path))
    uri: str | None = field(default=None, validator=by(_check_uri))
