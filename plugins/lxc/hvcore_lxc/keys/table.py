"""All keys, and finding one.

Source: lxc.container.conf(5); LXC 5.0.2 and 7.0.0, ``confile.c``: config_jump_table and config_jump_table_net.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hvcore_lxc.keys.cgroup import CGROUP_KEYS
from hvcore_lxc.keys.guest import GUEST_KEYS
from hvcore_lxc.keys.management import MANAGEMENT_KEYS
from hvcore_lxc.keys.model import Key, Version
from hvcore_lxc.keys.namespaces import NAMESPACE_KEYS
from hvcore_lxc.keys.net import NET_KEYS, NET_ROOT_KEYS
from hvcore_lxc.keys.rootfs import ROOT_KEYS
from hvcore_lxc.keys.security import SECURITY_KEYS
from hvcore_lxc.keys.terminal import TERMINAL_KEYS

__all__ = ["GROUPS", "KEYS", "find_key", "keys_of", "net_index", "spelt_keys"]

GROUPS: Mapping[str, tuple[Key, ...]] = {
    "Root file system and mounts": ROOT_KEYS,
    "Network": NET_ROOT_KEYS,
    "Interfaces": NET_KEYS,
    "Cgroups": CGROUP_KEYS,
    "Namespaces": NAMESPACE_KEYS,
    "Security": SECURITY_KEYS,
    "Console and terminals": TERMINAL_KEYS,
    "Guest": GUEST_KEYS,
    "Hooks and management": MANAGEMENT_KEYS,
}
"""The keys by what they are about."""

KEYS = tuple(key for title, group in GROUPS.items() if title != "Interfaces" for key in group)
"""One per entry of LXC's own table; ``lxc.net.*`` is one entry there."""

_NET = re.compile(r"lxc\.net\.([0-9]+)(?:\.(.*))?")
_EXACT = {key.name: key for key in KEYS if not key.is_family}
_FAMILIES = tuple(sorted((key for key in KEYS if key.is_family), key=lambda key: -len(key.prefix)))
_NET_BY_NAME = {key.name: key for key in NET_KEYS}


def find_key(name: str) -> Key | None:
    """Return what is known of a key, whatever LXC knows it; None when there is no such key.

    Args:
        name: the key as it is written, such as ``lxc.net.0.link`` or ``lxc.cgroup2.memory.max``.
    """
    if match := _NET.fullmatch(name):
        return _NET_BY_NAME.get(f"lxc.net.N.{match[2]}")
    if name in _EXACT:
        return _EXACT[name]
    for key in _FAMILIES:
        subkey = name.removeprefix(key.prefix)
        if subkey and subkey != name and key.name != "lxc.net.*":
            return key if not key.subkeys or subkey in key.subkeys else None
    return None


def net_index(name: str) -> int | None:
    """Return the number of the interface that a key belongs to, or None."""
    match = _NET.fullmatch(name)
    return int(match[1]) if match else None


def keys_of(version: Version) -> tuple[Key, ...]:
    """Return the entries of one LXC's table."""
    return tuple(key for key in KEYS if key.is_known_to(version))


def spelt_keys(index: int = 0) -> tuple[str, ...]:
    """Return keys as they are written, for finding the one that a misspelt one comes closest to.

    Args:
        index: the number of the interface in the keys of interfaces.
    """
    families = (f"{key.prefix}{subkey}" for key in _FAMILIES for subkey in key.subkeys)
    return (*_EXACT, *families, *(key.name.replace(".N.", f".{index}.", 1) for key in NET_KEYS))
