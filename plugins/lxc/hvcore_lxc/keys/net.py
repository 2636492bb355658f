"""The keys of network interfaces: ``lxc.net.`` and what stands after the interface's number."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from hvcore_lxc.keys.grammars import ABSOLUTE, BOOLEAN, MODE_OF_NET, TEXT, count, matching, one_of
from hvcore_lxc.keys.model import Grammar, Key, Repeat, Version

__all__ = ["NET_KEYS", "NET_LINE", "NET_ROOT_KEYS", "TYPE_OF_SUBKEY"]

_3_2: Version = (3, 2)
_5_0: Version = (5, 0)
_MAC = re.compile("(?:[0-9a-fA-FxX]{2}:){5}[0-9a-fA-FxX]{2}")
_DEVICE = matching(r"(?!\.{1,2}$)[^\s/:%]{1,15}", "the name of a network device: at most 15 characters")
_VLAN = "the number of a VLAN, 0 to 4094"

TYPE_OF_SUBKEY = {"veth": "veth", "macvlan": "macvlan", "ipvlan": "ipvlan", "vlan": "vlan"}
"""The first part of a subkey -> the type of interface that alone may have it."""


def _is_mac(value: str) -> bool:
    """Tell whether it is an address of one interface; an x stands for a digit that LXC chooses.

    Source: Linux ``is_valid_ether_addr``; LXC 5.0, ``network.c``: lxc_convert_mac.
    """
    if not _MAC.fullmatch(value):
        return False
    second = value[1].lower()
    return (second == "x" or not int(second, 16) & 1) and value.strip("0:") != ""


def _interface(family: int) -> Callable[[str], bool]:
    def accepts(value: str) -> bool:
        try:
            return "%" not in value and ipaddress.ip_interface(value).version == family
        except ValueError:
            return False

    return accepts


def _is_ipv4_address(value: str) -> bool:
    address, blank, broadcast = value.partition(" ")
    return _interface(4)(address) and (not blank or ("/" not in broadcast and _interface(4)(broadcast)))


def _gateway(family: int, example: str) -> Grammar:
    return one_of(
        "auto",
        "dev",
        or_else=lambda value: "/" not in value and _interface(family)(value),
        allowed=f"an address such as {example}, auto or dev",
    )


def _route(family: int) -> Callable[[str], bool]:
    return lambda value: "/" in value and _interface(family)(value)


def _net(
    subkey: str,
    summary: str,
    grammar: Grammar,
    example: str,
    repeat: Repeat = Repeat.REPLACES,
    since: Version = (2, 1),
) -> Key:
    return Key(f"lxc.net.N.{subkey}", summary, grammar, example, repeat, since)


NET_KEYS = (
    _net("type", "the kind of interface; stands before all others of its number", one_of(*MODE_OF_NET), "veth"),
    # LXC takes any word for "up", "down" among them.
    _net("flags", "whether it is brought up", one_of("up"), "up"),
    _net("link", "the device of the host that it is connected to", _DEVICE, "br0"),
    _net("l2proxy", "whether the host answers for its addresses", BOOLEAN, "1", since=_3_2),
    _net("mtu", "the largest packet, in bytes", count(68, 65535), "1500"),
    _net("name", "what it is called in the container", _DEVICE, "eth0"),
    _net(
        "hwaddr",
        "its MAC address; an x is a digit that LXC chooses",
        Grammar("an address of one interface, such as 00:16:3e:xx:xx:xx", _is_mac),
        "00:16:3e:12:34:56",
    ),
    _net(
        "ipv4.address",
        "an address with its prefix, and optionally the broadcast address",
        Grammar("an address such as 192.0.2.10/24", _is_ipv4_address),
        "192.0.2.10/24",
        Repeat.ADDS,
    ),
    _net("ipv4.gateway", "the gateway", _gateway(4, "192.0.2.1"), "192.0.2.1"),
    _net(
        "ipv6.address",
        "an address with its prefix",
        Grammar("an address such as 2001:db8::10/64", _interface(6)),
        "2001:db8::10/64",
        Repeat.ADDS,
    ),
    _net("ipv6.gateway", "the gateway", _gateway(6, "2001:db8::1"), "2001:db8::1"),
    _net("script.up", "a program that runs on the host when it is made", ABSOLUTE, "/etc/lxc/up"),
    _net("script.down", "a program that runs on the host when it is removed", ABSOLUTE, "/etc/lxc/down"),
    _net(
        "macvlan.mode",
        "how macvlan interfaces reach each other",
        one_of("private", "vepa", "bridge", "passthru"),
        "bridge",
    ),
    _net("ipvlan.mode", "the layer at which packets pass", one_of("l2", "l3", "l3s"), "l3", since=_3_2),
    _net(
        "ipvlan.isolation",
        "how ipvlan interfaces reach each other",
        one_of("bridge", "private", "vepa"),
        "bridge",
        since=_3_2,
    ),
    _net("vlan.id", "the VLAN", count(0, 4094, _VLAN), "10"),
    _net("veth.pair", "what the host's end is called", _DEVICE, "vethweb1"),
    _net(
        "veth.mode",
        "whether the host's end joins a bridge or is routed",
        one_of("bridge", "router"),
        "bridge",
        since=_3_2,
    ),
    _net("veth.n_rxqueues", "the number of queues for receiving", count(1, 4096), "1", since=_5_0),
    _net("veth.n_txqueues", "the number of queues for sending", count(1, 4096), "1", since=_5_0),
    _net(
        "veth.ipv4.route",
        "a route of the host to the container",
        Grammar("a network such as 192.0.2.0/24", _route(4)),
        "192.0.2.0/24",
        Repeat.ADDS,
        _3_2,
    ),
    _net(
        "veth.ipv6.route",
        "a route of the host to the container",
        Grammar("a network such as 2001:db8::/64", _route(6)),
        "2001:db8::/64",
        Repeat.ADDS,
        _3_2,
    ),
    _net(
        "veth.vlan.id",
        "the VLAN of untagged packets on the bridge",
        one_of("none", or_else=count(0, 4094).accepts, allowed=f"{_VLAN}, or none"),
        "10",
        since=_5_0,
    ),
    _net(
        "veth.vlan.tagged.id",
        "a VLAN whose tagged packets pass the bridge",
        count(0, 4094, _VLAN),
        "20",
        Repeat.ADDS,
        _5_0,
    ),
)

NET_LINE = Key("lxc.net.*", "the settings of one network interface", TEXT, "veth")
"""LXC's own entry for all of them."""

NET_ROOT_KEYS = (
    NET_LINE,
    Key("lxc.net", "clears all interfaces", TEXT, "", only_clears=True),
)
