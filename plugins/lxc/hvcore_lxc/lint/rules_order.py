"""Lines that undo, repeat or contradict others."""

from __future__ import annotations

from collections.abc import Iterator

from hvcore.model.lint import LintFinding, Severity
from hvcore_lxc.config_text import ConfigLine
from hvcore_lxc.keys.cgroup_files import find_cgroup_file
from hvcore_lxc.keys.model import Repeat
from hvcore_lxc.keys.table import find_key
from hvcore_lxc.lint.subject import Subject

__all__ = ["order_rules"]

_EXCLUDING = (("lxc.cap.drop", "lxc.cap.keep"), ("lxc.namespace.clone", "lxc.namespace.keep"))
_GROUPS = ("lxc.net", "lxc.hook")


def order_rules(subject: Subject) -> Iterator[LintFinding]:
    """Find repeated keys, repeated lines, and keys that exclude each other."""
    seen: dict[str, ConfigLine] = {}
    lines: dict[tuple[str, str], ConfigLine] = {}
    for line in subject.entries:
        if not line.value:
            # It clears what stands above, so that nothing is repeated afterwards.
            prefix = f"{line.key}." if line.key in _GROUPS or line.key in {"lxc.cgroup", "lxc.cgroup2"} else line.key
            seen = {key: first for key, first in seen.items() if not key.startswith(prefix)}
            lines = {place: first for place, first in lines.items() if not place[0].startswith(prefix)}
            continue
        first = seen.setdefault(line.key, line)
        again = lines.setdefault((line.key, line.value), line)
        if first is not line and not _adds(line.key):
            message = f"{line.key} stands on line {first.number} already; only the last one counts"
            yield subject.about_key(line, "repeated-key", message, severity=Severity.WARNING)
        elif again is not line:
            message = f"the same {line.key} stands on line {again.number} already"
            yield subject.about_key(line, "repeated-line", message, severity=Severity.WARNING)
        yield from _exclusion(subject, line, seen)


def _adds(key: str) -> bool:
    for version, prefix in ((1, "lxc.cgroup."), (2, "lxc.cgroup2.")):
        known = find_key(key)
        if key.startswith(prefix) and known is not None and known.is_family:
            file = find_cgroup_file(version, key.removeprefix(prefix))
            return file is None or file.repeat is Repeat.ADDS
    known = find_key(key)
    return known is None or (known.repeat is Repeat.ADDS)


def _exclusion(subject: Subject, line: ConfigLine, seen: dict[str, ConfigLine]) -> Iterator[LintFinding]:
    for pair in _EXCLUDING:
        for key, other in (pair, pair[::-1]):
            if line.key == key and other in seen and seen[key] is line:
                message = f"{key} and {other} exclude each other, and {other} stands on line {seen[other].number}"
                yield subject.about_key(line, "exclusive-keys", message)
