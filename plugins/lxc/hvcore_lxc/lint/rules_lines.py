"""Lines that LXC passes over, reads differently than they look, or stumbles over."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hvcore.model.lint import LintFinding
from hvcore.model.refusal import closest, shown
from hvcore_lxc.config_text import ConfigLine, LineKind
from hvcore_lxc.keys.table import spelt_keys
from hvcore_lxc.lint.subject import Subject

__all__ = ["line_rules", "meant_key"]

_BOM = "\ufeff"
_INDEX = re.compile(r"\.([0-9]{1,6})(?:\.|$)")
# A text in which a number sign may well be part of what is meant.
_FREE_TEXT = ("lxc.environment", "lxc.hook.", "lxc.apparmor.raw", "lxc.init.cmd", "lxc.execute.cmd", "lxc.rootfs.path")


def line_rules(subject: Subject) -> Iterator[LintFinding]:
    """Find lines that are not what they look like."""
    ended = False
    for line in subject.config.lines:
        if ended:
            yield subject.about_key(line, "after-nul", "LXC reads nothing behind the null byte above")
            return
        if "\0" in line.text:
            yield subject.about_key(line, "null-byte", "LXC reads nothing from the null byte on")
            ended = True
        elif line.kind is LineKind.IGNORED:
            yield _ignored(subject, line)
        elif line.kind is LineKind.BROKEN:
            yield subject.about_key(
                line, "no-value", f"{shown(line.key)} has no '=': LXC refuses the file", f"{line.key} = "
            )
        elif line.kind is LineKind.ENTRY:
            yield from _trailing_comment(subject, line)


def meant_key(word: str) -> str:
    """Return the key that a misspelt one probably means; "" when none comes close."""
    match = _INDEX.search(word)
    known = spelt_keys(int(match[1]) if match else 0)
    lower = word.lower()
    for candidate in (lower, f"lxc.{lower}"):
        if candidate in known:
            return candidate
    return closest(lower, known) or closest(f"lxc.{lower}", known) or ""


def _ignored(subject: Subject, line: ConfigLine) -> LintFinding:
    content = line.text.strip()
    if content.startswith(_BOM):
        meant = content.removeprefix(_BOM).strip()
        return subject.about_key(
            line, "byte-order-mark", "a byte order mark stands before the line, which LXC passes over", meant
        )
    guess = meant_key(line.key.removeprefix("export ")) if "=" in line.text else ""
    return subject.about_key(
        line, "ignored-line", f"LXC passes over {shown(content)}: it does not begin with 'lxc.'", guess
    )


def _trailing_comment(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    value, mark, _ = line.value.partition(" #")
    if mark and not line.key.startswith(_FREE_TEXT):
        message = f"the comment is part of the value of {line.key} to LXC"
        yield subject.about_value(line, "trailing-comment", message, value.rstrip(), part="#")
