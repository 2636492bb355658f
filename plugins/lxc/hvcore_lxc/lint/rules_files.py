"""Files, directories and devices that are not there."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator

from hvcore.model.lint import LintFinding, Severity
from hvcore_lxc.config_text import ConfigLine
from hvcore_lxc.keys.table import net_index
from hvcore_lxc.lint.subject import Subject

__all__ = ["file_rules"]

_MISSING = "missing-file"
_DEVICE = "missing-device"
_NO_MODULE = "missing-feature"
_UNCONFINED = ("unconfined", "unchanged")
# It runs inside the container, where a path is another one.
_INSIDE = "lxc.hook.start"


def file_rules(subject: Subject) -> Iterator[LintFinding]:
    """Find what a line names and the node does not have."""
    for line in subject.entries:
        check = _CHECKS.get(line.key)
        if net_index(line.key) is not None:
            check = _NET_CHECKS.get(line.key.split(".", 3)[-1])
        elif line.key.startswith("lxc.hook.") and line.key not in {_INSIDE, "lxc.hook.version"}:
            check = _program
        elif line.key.startswith("lxc.sysctl."):
            check = _sysctl
        elif line.key.startswith("lxc.namespace.share."):
            check = _namespace
        elif line.key.endswith(".devices.allow"):
            check = _allowed_device
        if check is not None and line.value:
            yield from check(subject, line)


def _file(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    if not subject.node.exists(line.value):
        yield subject.about_value(line, _MISSING, f"there is no {line.value}")


def _include(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    if not subject.node.exists(line.value):
        what = "LXC passes over it" if line.value.endswith("/") else "LXC refuses the file"
        yield subject.about_value(line, _MISSING, f"there is no {line.value} to include: {what}")


def _log(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    directory = os.path.dirname(line.value) or "/"
    if not subject.node.is_directory(directory):
        yield subject.about_value(line, _MISSING, f"there is no directory {directory} to write {line.value} in")


def _console(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    if line.value != "none" and not subject.node.exists(line.value):
        yield subject.about_value(line, _DEVICE, f"there is no device {line.value}")


def _program(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    try:
        words = shlex.split(line.value)
    except ValueError as error:
        yield subject.about_value(line, "value", f"the shell cannot read {line.value!r}: {error}")
        return
    # What has no slash is looked for by the shell.
    if words and words[0].startswith("/") and not subject.node.is_program(words[0]):
        yield subject.about_value(line, _MISSING, f"there is no program {words[0]}", part=words[0])


def _sysctl(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    name = line.key.removeprefix("lxc.sysctl.")
    if not subject.node.exists(f"/proc/sys/{name.replace('.', '/')}"):
        yield subject.about_key(line, _MISSING, f"this node's kernel has no setting {name}")


def _namespace(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    if line.value.startswith("/"):
        yield from _file(subject, line)
    elif line.value.isdigit() and not subject.node.exists(f"/proc/{line.value}"):
        yield subject.about_value(line, _MISSING, f"there is no process {line.value}")


def _allowed_device(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    path = line.value.split()[0]
    if path.startswith("/") and not subject.node.exists(path):
        yield subject.about_value(line, _DEVICE, f"there is no device {path}")


def _apparmor(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    if line.value not in _UNCONFINED and not subject.node.exists("/sys/kernel/security/apparmor"):
        message = f"this node's kernel has no AppArmor, so {line.value!r} confines nothing"
        yield subject.about_value(line, _NO_MODULE, message, severity=Severity.WARNING)


def _selinux(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    if not subject.node.exists("/sys/fs/selinux/enforce"):
        message = f"this node's kernel has no SELinux, so {line.value!r} confines nothing"
        yield subject.about_value(line, _NO_MODULE, message, severity=Severity.WARNING)


def _link(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    device = f"/sys/class/net/{line.value}"
    if line.value.endswith("+"):
        return
    if not subject.node.exists(device):
        yield subject.about_value(line, _DEVICE, f"there is no network device {line.value}")
        return
    index = f"lxc.net.{net_index(line.key)}"
    types, modes = subject.values(f"{index}.type"), subject.values(f"{index}.veth.mode")
    is_bridged = types[-1:] == ("veth",) and modes[-1:] != ("router",)
    if (
        is_bridged
        and not subject.node.exists(f"{device}/bridge")
        and not subject.node.exists("/sys/class/net/ovs-system")
    ):
        yield subject.about_value(line, _DEVICE, f"{line.value} is no bridge")


Check = Callable[[Subject, ConfigLine], Iterator[LintFinding]]

_CHECKS: dict[str, Check] = {
    "lxc.apparmor.profile": _apparmor,
    "lxc.console.logfile": _log,
    "lxc.console.path": _console,
    "lxc.include": _include,
    "lxc.log.file": _log,
    "lxc.mount.fstab": _file,
    "lxc.seccomp.profile": _file,
    "lxc.selinux.context": _selinux,
}
_NET_CHECKS: dict[str, Check] = {"link": _link, "script.up": _program, "script.down": _program}
