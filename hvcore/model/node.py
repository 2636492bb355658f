"""A node: what it has, and how a console reaches it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from hvcore.errors import InvalidInput

if TYPE_CHECKING:
    from attrs import Attribute

__all__ = ["Node", "NodeInfo"]

# A host name or an IP address. A leading "-" would be read as an option by the tool that connects.
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9_.:%-]{0,252}")
_LAST_PORT = 65535


@frozen
class NodeInfo:
    """What a node has and what of it is free.

    Attributes:
        memory_total_mib: the memory that the node's kernel manages.
        memory_free_mib: the memory that new instances could have without swapping.
        memory_dom0_mib: the memory in use: the total without the free part.
        cpu_total: CPUs that are online.
        cpu_nodes: NUMA nodes that are online.
        cpu_sockets: CPU packages with at least one CPU online.
        cpu_dom0: CPUs that the node's own system may use.
        memory_hv_mib: memory that the hypervisor itself holds; None where it has none of its own.
        hv_version: the hypervisor's version, such as ``(5, 0, 2)``; None where it has none.

    Source: Ganeti 3.1, ``GetNodeInfo`` of the hypervisor interface.
    """

    memory_total_mib: int
    memory_free_mib: int
    memory_dom0_mib: int
    cpu_total: int
    cpu_nodes: int
    cpu_sockets: int
    cpu_dom0: int
    memory_hv_mib: int | None = None
    hv_version: tuple[int, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON.

        Returns:
            Every field by its name; the version as a list of ints; None for what the hypervisor does not report.
        """
        return {
            "memory_total_mib": self.memory_total_mib,
            "memory_free_mib": self.memory_free_mib,
            "memory_dom0_mib": self.memory_dom0_mib,
            "cpu_total": self.cpu_total,
            "cpu_nodes": self.cpu_nodes,
            "cpu_sockets": self.cpu_sockets,
            "cpu_dom0": self.cpu_dom0,
            "memory_hv_mib": self.memory_hv_mib,
            "hv_version": None if self.hv_version is None else list(self.hv_version),
        }


def _check_name(_node: Node, _attribute: Attribute[str], value: str) -> None:
    if not _HOST.fullmatch(value):
        raise InvalidInput(
            f"{value!r} is not a node's name",
            key="node.name",
            value=value,
            allowed="a host name or an IP address of at most 253 characters",
            resolution="give the name under which the node is reached by ssh",
        )


def _check_port(_node: Node, _attribute: Attribute[int], value: int) -> None:
    if not 1 <= value <= _LAST_PORT:
        raise InvalidInput(
            f"{value} is not a port number",
            key="node.ssh_port",
            value=value,
            allowed=f"1 to {_LAST_PORT}",
            resolution="give the port on which the node's ssh server listens; 22 is the usual one",
        )


@frozen
class Node:
    """The node that a console command connects to.

    Args:
        name: its host name or IP address.
        ssh_port: the port of its ssh server, 1 to 65535.
        group: the node group that it belongs to; empty where the caller knows no groups.

    Raises:
        InvalidInput: the name could be read as an option or holds other characters than a host name's, or the port is
            out of range.
    """

    name: str = field(validator=_check_name)
    ssh_port: int = field(default=22, validator=_check_port)
    group: str = ""
