"""Interfaces: what LXC takes in any order or not at all, and finds out about at the start."""

from __future__ import annotations

from collections.abc import Iterator

from hvcore.model.lint import LintFinding, Severity
from hvcore_lxc.config_text import ConfigLine
from hvcore_lxc.keys.net import TYPE_OF_SUBKEY
from hvcore_lxc.keys.table import net_index
from hvcore_lxc.lint.subject import Subject

__all__ = ["net_rules"]

_LINKED = ("macvlan", "ipvlan", "vlan", "phys")
_UNLINKED = ("empty", "none")


def net_rules(subject: Subject) -> Iterator[LintFinding]:
    """Find interfaces without a type, settings of another type, and names that are taken."""
    interfaces: dict[int, list[ConfigLine]] = {}
    for line in subject.entries:
        index = net_index(line.key)
        if line.key == "lxc.net" and not line.value:
            interfaces.clear()
        if index is not None:
            interfaces.setdefault(index, []).append(line)
    names: dict[str, ConfigLine] = {}
    addresses: dict[str, ConfigLine] = {}
    for index, lines in interfaces.items():
        yield from _typed(subject, index, lines)
        last = {line.key.split(".", 3)[-1]: line for line in lines}
        yield from _taken(subject, last.get("name"), names, "in the container")
        yield from _taken(subject, last.get("hwaddr"), addresses, "of another interface")


def _typed(subject: Subject, index: int, lines: list[ConfigLine]) -> Iterator[LintFinding]:
    kind = ""
    for line in lines:
        subkey = line.key.split(".", 3)[-1]
        if subkey == "type":
            kind = line.value
        needed = TYPE_OF_SUBKEY.get(subkey.partition(".")[0])
        if needed and kind != needed:
            where = f"a line above it sets lxc.net.{index}.type = {needed}"
            yield subject.about_key(line, "interface-type", f"LXC refuses {line.key} unless {where}")
        if subkey == "link" and kind in _UNLINKED:
            message = f"an interface of type {kind} has no link"
            yield subject.about_key(line, "interface-type", message, severity=Severity.WARNING)
    keys = {line.key for line in lines}
    if not kind and not subject.is_included and not subject.includes:
        message = f"interface {index} has no type, so the start fails"
        yield subject.about_key(lines[0], "interface-type", message, f"lxc.net.{index}.type")
    if kind in _LINKED and f"lxc.net.{index}.link" not in keys:
        yield subject.about_key(
            lines[0], "interface-type", f"an interface of type {kind} needs a link", f"lxc.net.{index}.link"
        )


def _taken(
    subject: Subject, line: ConfigLine | None, taken: dict[str, ConfigLine], where: str
) -> Iterator[LintFinding]:
    if line is None or not line.value or ("x" in line.value.lower() and line.key.endswith(".hwaddr")):
        return
    first = taken.setdefault(line.value.lower(), line)
    if first is not line:
        yield subject.about_value(line, "interface-clash", f"{line.value} is taken {where}: see line {first.number}")
