"""Network interfaces of an instance."""

from __future__ import annotations

import enum
import re
from typing import Any

from attrs import field, frozen

from hvcore.model.names import refuse_control_characters
from hvcore.model.refusal import missing, refused
from hvcore.model.validation import by, member

__all__ = ["Nic", "NicMode"]

_MAX_DEVICE_NAME_BYTES = 15
_DEVICE_NAME = re.compile(r"[^\s/:]+")
_MAC = re.compile("[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_DEVICE = "the name of a network device: at most 15 bytes without blanks, slashes and colons, such as br0"
_ADDRESS = "the address of one interface with its prefix length, such as 192.0.2.10/24"


class NicMode(enum.StrEnum):
    """How an interface is connected; each hypervisor says which modes it supports."""

    BRIDGED = "bridged"
    ROUTED = "routed"
    OPENVSWITCH = "openvswitch"
    MACVLAN = "macvlan"
    VETH = "veth"
    NONE = "none"
    HOST = "host"


_NEEDS_LINK = frozenset({NicMode.BRIDGED, NicMode.OPENVSWITCH, NicMode.MACVLAN})


def _mode(value: NicMode | str) -> NicMode:
    return member(NicMode, value, "mode")


def _mac(value: str) -> str:
    """Return the address in lower case.

    Source: Linux ``is_valid_ether_addr``: neither multicast (the lowest bit of the first byte) nor all zeros.
    """
    text = refuse_control_characters(value, "mac")
    if text == "":
        return ""
    mac = text.lower()
    if _MAC.fullmatch(mac) and not int(mac[:2], 16) & 1 and mac.strip("0:"):
        return mac
    raise refused("mac", value, "a unicast address of six bytes, such as aa:00:00:12:34:56")


def _ip(value: str) -> str:
    """Return the address in its canonical form."""
    text = refuse_control_characters(value, "ip")
    if text == "":
        return ""
    import ipaddress

    address, slash, prefix = text.partition("/")
    # Net masks, missing prefixes and scopes are notations that ip_interface would take as well.
    if not (slash and prefix.isascii() and prefix.isdigit()) or "%" in address:
        raise refused("ip", value, _ADDRESS)
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError as error:
        raise refused("ip", value, _ADDRESS, why=str(error)) from error
    if interface.ip.is_multicast or interface.ip.is_unspecified:
        raise refused("ip", value, _ADDRESS)
    return str(interface)


def _check_device(value: object, key: str) -> None:
    """Refuse what cannot name a network device.

    Source: Linux ``dev_valid_name`` and IFNAMSIZ.
    """
    name = refuse_control_characters(value, key)
    if name == "":
        return
    if name in {".", ".."} or len(name.encode()) > _MAX_DEVICE_NAME_BYTES or not _DEVICE_NAME.fullmatch(name):
        raise refused(key, value, _DEVICE)


@frozen
class Nic:
    """A network interface of an instance.

    Args:
        mode: how it is connected.
        link: the node's device that it is connected to: a bridge, a switch, or the device below a macvlan; modes
            bridged, openvswitch and macvlan need it.
        mac: its unicast hardware address; "" lets the hypervisor choose.
        ip: the address of the interface with its prefix length; "" leaves that to the guest.
        name: what the guest calls it; "" lets the hypervisor choose.

    Raises:
        InvalidInput: a field is out of its range.
    """

    mode: NicMode = field(converter=_mode)
    link: str = field(default="", validator=by(_check_device))
    mac: str = field(default="", converter=_mac)
    ip: str = field(default="", converter=_ip)
    name: str = field(default="", validator=by(_check_device))

    def __attrs_post_init__(self) -> None:
        if self.mode in _NEEDS_LINK and not self.link:
            raise missing("link", _DEVICE)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON."""
        return {"mode": self.mode.value, "link": self.link, "mac": self.mac, "ip": self.ip, "name": self.name}
