"""The keys of the root file system and of mounts."""

from __future__ import annotations

import re

from hvcore_lxc.keys.grammars import ABSOLUTE, BOOLEAN, NUMBER, PATH, each_of, matching
from hvcore_lxc.keys.model import Grammar, Key, Repeat

__all__ = ["MOUNT_OPTIONS", "MOUNT_WORDS", "ROOT_KEYS", "mount_fields"]

# LXC 5.0, conf.c: mount_opt and propagation_opt, and the options that are its own.
_PROPAGATION = ("private", "shared", "slave", "unbindable")
MOUNT_OPTIONS = (
    *("atime", "dev", "diratime", "exec", "noatime", "nodev", "nodiratime", "noexec", "norelatime", "nostrictatime"),
    *("nosuid", "relatime", "ro", "rw", "strictatime", "suid", "bind", "defaults", "rbind", "sync", "async", "dirsync"),
    *("lazytime", "mand", "nomand", "remount"),
    *_PROPAGATION,
    *(f"r{word}" for word in _PROPAGATION),
)
"""The options that LXC passes to the kernel as flags; any other is handed to the file system."""

MOUNT_WORDS = ("create=dir", "create=file", "optional", "relative")
"""The options that LXC itself acts on, beside ``idmap=``."""

_AUTO = (
    *("proc", "proc:mixed", "proc:rw", "sys", "sys:ro", "sys:mixed", "sys:rw"),
    *("cgroup2", "cgroup2:ro", "cgroup2:force", "cgroup2:ro:force"),
    *(
        kind + mode + force
        for kind in ("cgroup", "cgroup-full")
        for mode in ("", ":mixed", ":ro", ":rw")
        for force in ("", ":force")
    ),
)
_ROOT_TYPES = "dir|zfs|lvm|rbd|btrfs|overlay|overlayfs|loop|nbd"
_FIELD = re.compile(r"\S+")


def mount_fields(value: str) -> tuple[str, ...]:
    r"""Return source, target, type, options and what follows of a mount entry; blanks in them are written ``\\040``.

    Source: fstab(5).
    """
    return tuple(_FIELD.findall(value))


def _is_mount(value: str) -> bool:
    fields = mount_fields(value)
    return 4 <= len(fields) <= 6 and all(field.isdigit() for field in fields[4:])


ROOT_KEYS = (
    Key(
        "lxc.rootfs.path",
        "the root file system, with its storage type before a colon",
        # LXC takes everything before the first colon for the type, and an unknown type fails only at the start.
        matching(rf"(?:{_ROOT_TYPES}):.+|[^:]*", f"[TYPE:]PATH with a type of {_ROOT_TYPES.replace('|', ', ')}"),
        "dir:/srv/web1",
    ),
    Key("lxc.rootfs.mount", "where the root is mounted before it becomes the root", ABSOLUTE, "/usr/lib/lxc/rootfs"),
    Key(
        "lxc.rootfs.options",
        "mount options of the root",
        each_of(
            *MOUNT_OPTIONS,
            allowed="mount options separated by commas, idmap=container among them",
            split=",",
            or_else=lambda option: re.fullmatch(r"idmap=(?:container|/.+)|[a-z_]+=.+", option) is not None,
        ),
        "idmap=container",
    ),
    Key("lxc.rootfs.managed", "whether LXC may delete the root with the container", BOOLEAN, "1", since=(3, 1)),
    Key(
        "lxc.mount.entry",
        "a mount inside the container, in the format of fstab(5)",
        Grammar("SOURCE TARGET TYPE OPTIONS [0 0]", _is_mount),
        "/srv/data srv/data none bind,create=dir 0 0",
        Repeat.ADDS,
    ),
    Key("lxc.mount.fstab", "a file of mounts, in the format of fstab(5)", PATH, "/etc/lxc/web1.fstab"),
    Key(
        "lxc.mount.auto",
        "kernel file systems to mount",
        each_of(
            *_AUTO,
            allowed="words such as proc:mixed, sys:ro and cgroup:mixed",
            or_else=lambda word: re.fullmatch(r"shmounts:[^:]+(?::.+)?", word) is not None,
        ),
        "proc:mixed sys:mixed",
        Repeat.ADDS,
    ),
    Key("lxc.autodev", "whether LXC makes /dev", BOOLEAN, "1"),
    Key("lxc.autodev.tmpfs.size", "size of the file system of /dev, in bytes", NUMBER, "500000", since=(4, 0)),
)
