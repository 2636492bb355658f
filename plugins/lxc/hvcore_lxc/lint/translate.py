"""Old configurations in today's words: keys of LXC before 2.1, and settings of cgroup version 1."""

from __future__ import annotations

import re

from attrs import define, field

from hvcore.model.lint import LintFinding, Severity, Translation
from hvcore_lxc.config_text import ConfigLine, ConfigText, LineKind, read_text
from hvcore_lxc.keys.cgroup_files import size_bytes
from hvcore_lxc.keys.legacy import NOT_NEEDED, renamed
from hvcore_lxc.keys.table import find_key
from hvcore_lxc.keys.translated_cgroups import NO_EFFECT, WHY_NOT, successor
from hvcore_lxc.keys.versions import cgroup_file_of

__all__ = ["translate"]

_TYPED_ROOT = re.compile("(?:dir|zfs|lvm|rbd|btrfs|overlay|overlayfs|loop|nbd):")
_MEMORY = "memory.limit_in_bytes"
_MEMORY_AND_SWAP = "memory.memsw.limit_in_bytes"
_QUOTA = "cpu.cfs_quota_us"
_PERIOD = "cpu.cfs_period_us"
_DEFAULT_PERIOD_US = "100000"
_CGROUP2 = "lxc.cgroup2."


def translate(text: str, file: str) -> Translation:
    """Return a configuration in today's words, with its comments and in its order.

    Lines that are of today stay as they are, to the character. What has no equal stays as a comment.

    Args:
        text: the configuration.
        file: what findings call it.
    """
    worker = _Worker(read_text(text), file)
    out = "".join(worker.line(line) for line in worker.config.lines)
    return Translation(out, tuple(worker.findings))


@define
class _Worker:
    config: ConfigText
    file: str
    findings: list[LintFinding] = field(factory=list[LintFinding])
    interface: int = -1

    def line(self, line: ConfigLine) -> str:
        """Return what stands in place of a line, with its end."""
        if line.kind is not LineKind.ENTRY:
            return line.text + line.ending
        version, name = cgroup_file_of(line.key)
        if version == 1:
            return self._cgroup(line, name)
        if line.key == "lxc.network.type":
            self.interface += 1
        if find_key(line.key) is None:
            return self._renamed(line)
        return line.text + line.ending

    def _renamed(self, line: ConfigLine) -> str:
        if line.key in NOT_NEEDED:
            return self._dropped(line, NOT_NEEDED[line.key])
        key = renamed(line.key, max(self.interface, 0))
        if key is None:
            return line.text + line.ending  # no old key either: the linter tells
        value = line.value
        if key == "lxc.rootfs.path":
            value = self._root(value)
        if find_key(key) is None:
            return self._lost(line, f"LXC has no {key}")
        return self._written(line, (key, value))

    def _root(self, path: str) -> str:
        """The storage type that had a key of its own stands before the path now."""
        backends = [other.value for other in self.config.entries if other.key == "lxc.rootfs.backend"]
        if not path or _TYPED_ROOT.match(path):
            return path
        return f"{backends[-1]}:{path}" if backends else f"dir:{path}" if ":" in path else path

    def _cgroup(self, line: ConfigLine, name: str) -> str:
        if not line.value:
            return self._written(line, (_CGROUP2 + (successor(name, "") or (name, ""))[0], ""))
        if name in NO_EFFECT:
            return self._dropped(line, NO_EFFECT[name])
        if name in {_QUOTA, _PERIOD}:
            return self._cpu_time(line, name)
        if name == _MEMORY_AND_SWAP:
            return self._swap(line)
        found = successor(name, line.value)
        if found is None:
            return self._lost(line, WHY_NOT.get(name, f"cgroup version 2 has no equal of {name}"))
        return self._written(line, (_CGROUP2 + found[0], found[1]))

    def _cpu_time(self, line: ConfigLine, name: str) -> str:
        """Quota and period are one line of version 2; it stands in place of the quota."""
        quotas = self._values(_QUOTA)
        if name == _PERIOD:
            if quotas:
                return ""
            return self._dropped(line, "without a quota the period limits nothing")
        quota = "max" if line.value == "-1" else line.value
        period = (self._values(_PERIOD) or [_DEFAULT_PERIOD_US])[-1]
        return self._written(line, (f"{_CGROUP2}cpu.max", f"{quota} {period}"))

    def _swap(self, line: ConfigLine) -> str:
        """Version 1 limits the sum of memory and swap, version 2 swap alone."""
        memory, both = (self._values(_MEMORY) or [""])[-1], line.value
        if both == "-1":
            return self._written(line, (f"{_CGROUP2}memory.swap.max", "max"))
        sizes = size_bytes(memory), size_bytes(both)
        if sizes[0] is None or sizes[1] is None:
            return self._lost(line, f"without a {_MEMORY} it is not known how much of it is swap")
        return self._written(line, (f"{_CGROUP2}memory.swap.max", str(max(sizes[1] - sizes[0], 0))))

    def _values(self, name: str) -> list[str]:
        return [line.value for line in self.config.entries if line.key == f"lxc.cgroup.{name}" and line.value]

    def _written(self, line: ConfigLine, entry: tuple[str, str]) -> str:
        """Return a line with another key, and with another value where that changes, too; the rest stays as it is."""
        key, value = entry
        start = line.key_column - 1
        if value == line.value:
            return line.text[:start] + key + line.text[start + len(line.key) :] + line.ending
        return f"{line.text[:start]}{key} = {value}{line.ending}"

    def _lost(self, line: ConfigLine, reason: str) -> str:
        self._tell(line, "no-equal", Severity.ERROR, f"{line.key} has no equal: {reason}")
        return f"# no equal today: {line.text.strip()}{line.ending}"

    def _dropped(self, line: ConfigLine, reason: str) -> str:
        self._tell(line, "not-needed", Severity.WARNING, f"{line.key} is no longer needed: {reason}")
        return f"# no longer needed: {line.text.strip()}{line.ending}"

    def _tell(self, line: ConfigLine, rule: str, severity: Severity, message: str) -> None:
        self.findings.append(
            LintFinding(rule, severity, message, self.file, line.number, line.key_column, line.key, line.value)
        )
