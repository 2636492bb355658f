"""The root, its init and the mounts in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from hvcore.model.lint import LintFinding
from hvcore.model.refusal import closest
from hvcore.system.mountinfo import decode_octal
from hvcore_lxc.config_text import ConfigLine
from hvcore_lxc.keys.rootfs import MOUNT_OPTIONS, MOUNT_WORDS, mount_fields
from hvcore_lxc.lint.subject import Subject

__all__ = ["root_rules"]

_DEFAULT_MOUNT = "/usr/lib/"
_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_MOST_LINKS = 32


def root_rules(subject: Subject) -> Iterator[LintFinding]:
    """Find a root that is not there, an init that is not in it, and mounts that cannot be made."""
    for line in subject.entries:
        if line.key == "lxc.rootfs.path" and line.value:
            yield from _root(subject, line)
        elif line.key == "lxc.init.cmd" and line.value:
            yield from _init(subject, line)
        elif line.key == "lxc.mount.entry" and len(mount_fields(line.value)) >= 4:
            yield from _mount(subject, line)


def _root(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    kind, colon, path = line.value.partition(":")
    if not colon:
        kind, path = "", line.value
    node = subject.node
    if kind in {"overlay", "overlayfs"}:
        path = path.partition(":")[0]
    if kind in {"zfs", "rbd", "nbd"} or (kind and not path.startswith("/")):
        return
    if not node.exists(path):
        rule = "missing-device" if kind == "lvm" or path.startswith("/dev/") else "missing-file"
        yield subject.about_value(line, rule, f"there is no {path} to be the root", part=path)
    elif kind in {"dir", "btrfs", "overlay", "overlayfs"} and not node.is_directory(path):
        meant = f"loop:{path}" if kind == "dir" and os.path.isfile(node.at(path)) else ""
        yield subject.about_value(line, "missing-file", f"{path} is no directory", meant, part=path)
    elif kind == "lvm" and not node.is_block_device(path):
        yield subject.about_value(line, "missing-device", f"{path} is no block device", part=path)


def _init(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    """The program must be in the root, where that is a directory that can be looked into."""
    root = _directory_root(subject)
    words = line.value.split()
    if root is None or not words:
        return
    program = words[0]
    places = [program] if "/" in program else [f"{directory}/{program}" for directory in _PATH]
    if not any(_exists_below(root, place) for place in places):
        yield subject.about_value(line, "missing-file", f"the root has no program {program}", part=program)


def _directory_root(subject: Subject) -> str | None:
    paths = subject.values("lxc.rootfs.path")
    path = paths[-1].removeprefix("dir:") if paths else ""
    if not path.startswith("/") or subject.node.is_made_at_start(path) or not os.path.isdir(subject.node.at(path)):
        return None
    return subject.node.at(path)


def _exists_below(root: str, path: str) -> bool:
    """Tell whether a path is there for somebody whose root directory is ``root``: links lead nowhere else."""
    names = [name for name in reversed(path.split("/")) if name]
    here: list[str] = []
    for _ in range(_MOST_LINKS * len(names) + _MOST_LINKS):
        if not names:
            return True
        name = names.pop()
        if name in {".", ".."}:
            here = here[:-1] if name == ".." else here
            continue
        place = "/".join((root.rstrip("/"), *here, name))
        if os.path.islink(place):
            target = os.readlink(place)
            here = [] if target.startswith("/") else here
            names += [part for part in reversed(target.split("/")) if part]
        elif os.path.exists(place):
            here.append(name)
        else:
            return False
    return False


def _mount(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    source, target, _, options = (decode_octal(field) for field in mount_fields(line.value)[:4])
    words = options.split(",")
    is_bind = "bind" in words or "rbind" in words
    is_device = source.startswith("/dev/") and not is_bind
    if (
        (is_bind or is_device)
        and source.startswith("/")
        and "optional" not in words
        and not subject.node.exists(source)
    ):
        rule = "missing-device" if source.startswith("/dev/") else "missing-file"
        yield subject.about_value(line, rule, f"there is no {source} to mount")
    roots = (
        *(path.rpartition(":")[2] for path in subject.values("lxc.rootfs.path")),
        *subject.values("lxc.rootfs.mount"),
    )
    if (
        target.startswith("/")
        and roots
        and not any(root in target for root in roots)
        and not target.startswith(_DEFAULT_MOUNT)
    ):
        message = (
            f"LXC passes over a mount at {target}: the target must be below the root, without a slash at its start"
        )
        yield subject.about_value(line, "mount-target", message, target.lstrip("/"), part=target)
    if is_bind:
        yield from _options(subject, line, words)


def _options(subject: Subject, line: ConfigLine, words: list[str]) -> Iterator[LintFinding]:
    """A bind mount has no file system that could take an option that LXC does not know."""
    known = (*MOUNT_OPTIONS, *MOUNT_WORDS)
    for word in words:
        if word and word not in known and not word.startswith("idmap="):
            guess = closest(word, known) or ""
            yield subject.about_value(line, "mount-option", f"a bind mount has no option {word!r}", guess, part=word)
