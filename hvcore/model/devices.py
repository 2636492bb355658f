"""Words for changing devices of a running instance."""

from __future__ import annotations

import enum

from attrs import frozen

__all__ = ["DeviceAction", "DeviceType", "HotplugExtra"]


class DeviceType(enum.StrEnum):
    """What can be changed; Ganeti's ``dev_type``."""

    DISK = "disk"
    NIC = "nic"


class DeviceAction(enum.StrEnum):
    """How it is changed; Ganeti's actions."""

    ADD = "hotadd"
    REMOVE = "hotremove"
    MODIFY = "hotmod"


@frozen
class HotplugExtra:
    """Where the node finds a disk.

    Attributes:
        link_path: the path of the block device or image on the node.
        uri: the address for user-space access, or None.
    """

    link_path: str
    uri: str | None = None
