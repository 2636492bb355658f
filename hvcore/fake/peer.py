"""The other node of a migration, reached through its state directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hvcore.errors import InvalidInput
from hvcore.fake.bell import Bell
from hvcore.fake.files import InstanceFiles
from hvcore.system.locks import InstanceLocks

if TYPE_CHECKING:
    from hvcore.context import DriverContext

__all__ = ["Peer", "address_of", "own_address"]

_SCHEME = "file://"
_LOCKS = ".locks"


def own_address(context: DriverContext) -> str:
    """Return the address of this node: its state directory by its one real name."""
    return os.path.realpath(context.state_dir.parent)


def address_of(target: str) -> str:
    """Return the one real name of the state directory that an address means.

    Args:
        target: the absolute path of a node's state directory, also in the form ``file:///path``.

    Raises:
        InvalidInput: it is no such address.
    """
    from urllib.parse import unquote

    path = unquote(target.removeprefix(_SCHEME)) if target.startswith(_SCHEME) else target
    if not path.startswith("/") or "\0" in path:
        raise InvalidInput(
            f"{target!r} is no address of a node",
            key="target",
            value=target,
            allowed="the absolute path of the node's state directory, or file:// and that path",
        )
    return os.path.realpath(path)


class Peer:
    """An instance on the other node.

    Args:
        context: the surroundings of the driver here.
        address: the other node's state directory.
        name: the instance's name.
    """

    def __init__(self, context: DriverContext, address: str, name: str) -> None:
        node = Path(address)
        self.address = address
        self.files = InstanceFiles(node / context.name / name)
        self.bell = Bell(self.files.bell)
        self.locks = InstanceLocks(node / _LOCKS / context.name, context.name)
