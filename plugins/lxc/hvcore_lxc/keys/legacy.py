"""Keys that LXC no longer knows, and what stands in their place.

Source: LXC 2.1.0, ``confile.c`` (both generations side by side); LXC 3.0 refuses the old ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["NOT_NEEDED", "RENAMED", "renamed"]

RENAMED: Mapping[str, str] = {
    "lxc.aa_allow_incomplete": "lxc.apparmor.allow_incomplete",
    "lxc.aa_profile": "lxc.apparmor.profile",
    "lxc.console": "lxc.console.path",
    "lxc.devttydir": "lxc.tty.dir",
    "lxc.haltsignal": "lxc.signal.halt",
    "lxc.id_map": "lxc.idmap",
    "lxc.init_cmd": "lxc.init.cmd",
    "lxc.init_gid": "lxc.init.gid",
    "lxc.init_uid": "lxc.init.uid",
    "lxc.logfile": "lxc.log.file",
    "lxc.loglevel": "lxc.log.level",
    "lxc.mount": "lxc.mount.fstab",
    "lxc.pts": "lxc.pty.max",
    "lxc.rebootsignal": "lxc.signal.reboot",
    "lxc.rootfs": "lxc.rootfs.path",
    "lxc.se_context": "lxc.selinux.context",
    "lxc.seccomp": "lxc.seccomp.profile",
    "lxc.stopsignal": "lxc.signal.stop",
    "lxc.syslog": "lxc.log.syslog",
    "lxc.tty": "lxc.tty.max",
    "lxc.utsname": "lxc.uts.name",
}
"""Keys of LXC before 2.1 that only have another name."""

NOT_NEEDED: Mapping[str, str] = {
    "lxc.kmsg": "LXC no longer makes /dev/kmsg",
    "lxc.pivotdir": "LXC no longer needs a directory to pivot",
    "lxc.rootfs.backend": "the storage type stands before the path of lxc.rootfs.path",
}
"""Keys of LXC before 2.1 that have no successor, and why none is missed."""

_LIMIT = "lxc.limit."
_NETWORK = re.compile(r"lxc\.network(?:\.([0-9]+))?(?:\.(.+))?")
# "ipv4" alone is the address, "ipv4.gateway" the gateway.
_ADDRESS = re.compile("ipv[46]")


def renamed(key: str, index: int = 0) -> str | None:
    """Return today's name of a key of LXC before 2.1, or None when it is none or has no successor.

    Args:
        key: the key.
        index: the number of the interface that a key without one belongs to.
    """
    if key.startswith(_LIMIT):
        return f"lxc.prlimit.{key.removeprefix(_LIMIT)}"
    if match := _NETWORK.fullmatch(key):
        number, subkey = match.groups()
        if subkey is None:
            return "lxc.net" if number is None else f"lxc.net.{number}"
        subkey = f"{subkey}.address" if _ADDRESS.fullmatch(subkey) else subkey
        return f"lxc.net.{index if number is None else number}.{subkey}"
    return RENAMED.get(key)
