"""The keys of capabilities, security modules and system call filters."""

from __future__ import annotations

from hvcore_lxc.keys.grammars import BOOLEAN, PATH, TEXT, each_of, matching
from hvcore_lxc.keys.model import Key, Repeat
from hvcore_lxc.params import CAPABILITIES

__all__ = ["SECURITY_KEYS"]

_LAST_CAPABILITY = 63


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and int(word) <= _LAST_CAPABILITY


SECURITY_KEYS = (
    Key(
        "lxc.cap.drop",
        "capabilities that no process can have",
        each_of(*CAPABILITIES, allowed="names of capabilities without cap_", or_else=_is_number),
        "sys_module sys_time",
        Repeat.ADDS,
    ),
    Key(
        "lxc.cap.keep",
        "the only capabilities that processes can have",
        each_of(*CAPABILITIES, "none", allowed="names of capabilities without cap_, or none", or_else=_is_number),
        "chown kill",
        Repeat.ADDS,
    ),
    Key("lxc.no_new_privs", "whether programs may gain privileges from set-user-ID bits", BOOLEAN, "1"),
    Key("lxc.apparmor.profile", "the AppArmor profile", TEXT, "generated"),
    Key("lxc.apparmor.allow_incomplete", "whether to start where AppArmor lacks a feature", BOOLEAN, "0"),
    Key(
        "lxc.apparmor.allow_nesting",
        "whether the generated profile allows containers inside",
        BOOLEAN,
        "0",
        since=(3, 1),
    ),
    Key("lxc.apparmor.raw", "a line for the generated profile", TEXT, "mount,", Repeat.ADDS, since=(3, 1)),
    Key("lxc.selinux.context", "the SELinux context", TEXT, "system_u:system_r:container_t:s0"),
    Key(
        "lxc.selinux.context.keyring",
        "the SELinux context of the keyring",
        TEXT,
        "system_u:system_r:container_t:s0",
        since=(4, 0),
    ),
    Key("lxc.keyring.session", "whether the container gets a session keyring of its own", BOOLEAN, "1", since=(4, 0)),
    Key("lxc.seccomp.profile", "a file of rules for system calls", PATH, "/usr/share/lxc/config/common.seccomp"),
    Key("lxc.seccomp.allow_nesting", "whether filters of containers inside are merged", BOOLEAN, "0", since=(3, 2)),
    Key(
        "lxc.seccomp.notify.proxy",
        "a socket to which system calls are referred",
        matching("unix:/.+", "unix: and an absolute path"),
        "unix:/run/proxy",
        since=(3, 2),
    ),
    Key("lxc.seccomp.notify.cookie", "a text that goes with every such call", TEXT, "web1", since=(3, 2)),
)
