"""Cgroup settings that have no effect, or fail the start.

Source: LXC 5.0, ``cgfsng.c``: settings of version 2 are passed over unless version 2 is all there is, and those of version 1
where it is; the kernel's admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from hvcore.model.lint import LintFinding
from hvcore.model.refusal import closest, shown
from hvcore.system.cgroup_layout import CgroupMode
from hvcore_lxc.config_text import ConfigLine
from hvcore_lxc.keys.cgroup_files import CgroupFile, cgroup_files, find_cgroup_file
from hvcore_lxc.keys.translated_cgroups import counterpart, successor
from hvcore_lxc.keys.versions import cgroup_file_of
from hvcore_lxc.lint.rules_keys import misspelt_word
from hvcore_lxc.lint.subject import Subject

__all__ = ["cgroup_rules"]

_PREFIXES = {1: "lxc.cgroup.", 2: "lxc.cgroup2."}
_CORE = ("cgroup", "notify_on_release", "tasks")
_WITHOUT_CONTROLLER = ("devices", "freezer")


def cgroup_rules(subject: Subject) -> Iterator[LintFinding]:
    """Find settings of the wrong version, of no controller, of no file, and with values that the kernel refuses."""
    for line in subject.entries:
        version, name = cgroup_file_of(line.key)
        if not version or not line.value:
            continue
        file = find_cgroup_file(version, name)
        wrong = _wrong_layout(subject, line, version, name)
        if wrong is not None:
            yield wrong
        if file is None:
            guess = closest(name, [known.name for known in cgroup_files(version)])
            message = f"cgroup version {version} has no file {shown(name)} to write"
            yield subject.about_key(line, "cgroup-file", message, _PREFIXES[version] + guess if guess else "")
            continue
        if not file.grammar.accepts(line.value):
            word, meant = misspelt_word(line.value, file.grammar)
            message = f"{name} must be {file.grammar.allowed}, not {shown(line.value)}"
            yield subject.about_value(line, "value", message, meant, part=word)
        if wrong is None and _has_effect(subject, version):
            yield from _missing(subject, line, version, file)


def _wrong_layout(subject: Subject, line: ConfigLine, version: int, name: str) -> LintFinding | None:
    mode = subject.node.layout.mode
    if mode is CgroupMode.NONE or _has_effect(subject, version) or _is_said_for_both(subject, version, name):
        return None
    mounted = "cgroup version 2 alone" if mode is CgroupMode.V2 else f"cgroup version 1 ({mode})"
    meant = successor(name, line.value) if version == 1 else None
    return subject.about_key(
        line,
        "cgroup-layout",
        f"LXC passes over {line.key} here: this node has {mounted}",
        f"lxc.cgroup2.{meant[0]} = {meant[1]}" if meant else "",
    )


def _has_effect(subject: Subject, version: int) -> bool:
    return (version == 2) == (subject.node.layout.mode is CgroupMode.V2)


def _is_said_for_both(subject: Subject, version: int, name: str) -> bool:
    """Whether the file serves both layouts, and says the same for the other one, too."""
    others = [cgroup_file_of(line.key) for line in subject.entries]
    if version == 1:
        return (2, counterpart(name)) in others
    return any(other == 1 and counterpart(old) == name for other, old in others)


def _missing(subject: Subject, line: ConfigLine, version: int, file: CgroupFile) -> Iterator[LintFinding]:
    layout, controller = subject.node.layout, file.controller
    if layout.mode is CgroupMode.NONE or controller in _CORE:
        return
    if version == 2:
        is_there = controller in layout.unified_controllers or controller in _WITHOUT_CONTROLLER
    else:
        is_there = controller in layout.controllers
    if not is_there:
        yield subject.about_key(line, "cgroup-controller", f"this node has no {controller} controller")
    elif version == 1 and controller in {"memory", "cpu"}:
        name = cgroup_file_of(line.key)[1]
        # The root of these hierarchies has every file that a cgroup below it has.
        if not os.path.exists(f"{layout.controllers[controller]}/{name}"):
            yield subject.about_key(line, "cgroup-file", f"this node's kernel has no {name}")
