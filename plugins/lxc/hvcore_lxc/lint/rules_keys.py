"""Keys that this LXC does not know, and values that a key does not take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hvcore.model.lint import LintFinding, Severity
from hvcore.model.refusal import closest, shown
from hvcore_lxc.config_text import ConfigLine
from hvcore_lxc.keys.legacy import NOT_NEEDED, renamed
from hvcore_lxc.keys.model import Grammar, Key, Version
from hvcore_lxc.keys.table import find_key
from hvcore_lxc.lint.rules_lines import meant_key
from hvcore_lxc.lint.subject import Subject

__all__ = ["key_rules", "misspelt_word"]

_WORD = re.compile(r"[^\s,]+")


def key_rules(subject: Subject) -> Iterator[LintFinding]:
    """Find keys and values that are none."""
    for line in subject.entries:
        key = find_key(line.key)
        if key is None:
            yield _unknown(subject, line)
            continue
        if not key.is_known_to(subject.node.lxc_version):
            yield _wrong_version(subject, line, key)
        if key.only_clears:
            if line.value:
                message = f"{line.key} takes no value: with an empty one it clears all of {line.key}.*"
                yield subject.about_value(line, "value", message)
        elif not line.value:
            yield from _empty(subject, line)
        elif not key.grammar.accepts(line.value):
            yield _wrong_value(subject, line, key.grammar)


def misspelt_word(value: str, grammar: Grammar) -> tuple[str, str]:
    """Return the word of a value that a grammar does not know, and the value with the known one in its place; or ""."""
    for word in _WORD.findall(value) if grammar.words else ():
        if word in grammar.words or grammar.accepts(word):
            continue
        for candidate in (
            word.lower(),
            word.upper(),
            word.lower().removeprefix("cap_"),
            closest(word.lower(), grammar.words),
        ):
            if candidate in grammar.words:
                return word, value.replace(word, candidate, 1)
        return word, ""
    return "", ""


def _unknown(subject: Subject, line: ConfigLine) -> LintFinding:
    today = renamed(line.key)
    if today is not None:
        message = f"{line.key} is a key of LXC before 2.1, which LXC refuses since 3.0"
        return subject.about_key(line, "legacy-key", message, today)
    if line.key in NOT_NEEDED:
        message = f"{line.key} is a key of LXC before 2.1: {NOT_NEEDED[line.key]}"
        return subject.about_key(line, "legacy-key", message)
    return subject.about_key(line, "unknown-key", f"LXC has no key {shown(line.key)}", meant_key(line.key))


def _wrong_version(subject: Subject, line: ConfigLine, key: Key) -> LintFinding:
    here = _said(subject.node.lxc_version)
    if key.removed is not None and subject.node.lxc_version >= key.removed:
        guess = line.key.replace("lxc.cgroup.", "lxc.cgroup2.", 1)
        message = f"LXC {here} has no {line.key}: it was removed in {_said(key.removed)}"
        return subject.about_key(line, "removed-key", message, guess if guess != line.key else "")
    message = f"LXC {here} does not know {line.key}: it came with {_said(key.since)}"
    return subject.about_key(line, "newer-key", message)


def _empty(subject: Subject, line: ConfigLine) -> Iterator[LintFinding]:
    """An empty value clears what stands above, or in a file included above; where nothing does, something is missing."""
    above = [other for other in subject.entries if other.number < line.number]
    if line.key == "lxc.mount.fstab":
        yield subject.about_value(line, "empty-value", f"{line.key} has no value: LXC refuses the file")
    elif not subject.is_included and not any(other.key in {line.key, "lxc.include"} for other in above):
        message = f"{line.key} has no value, and there is nothing above that it would clear"
        yield subject.about_value(line, "empty-value", message, severity=Severity.WARNING)


def _wrong_value(subject: Subject, line: ConfigLine, grammar: Grammar) -> LintFinding:
    word, meant = misspelt_word(line.value, grammar)
    message = f"{line.key} must be {grammar.allowed}, not {shown(line.value)}"
    return subject.about_value(line, "value", message, meant, part=word)


def _said(version: Version) -> str:
    return ".".join(map(str, version))
