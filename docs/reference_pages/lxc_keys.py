"""The page of LXC's configuration keys, and of the rules that ``hv lint`` applies to them."""

from __future__ import annotations

from hvcore_lxc.keys.cgroup_files import CgroupFile, cgroup_files
from hvcore_lxc.keys.legacy import NOT_NEEDED, RENAMED
from hvcore_lxc.keys.model import Key, Repeat, Version
from hvcore_lxc.keys.table import GROUPS
from hvcore_lxc.keys.translated_cgroups import NO_EFFECT, WHY_NOT
from reference_pages.text import code, table

__all__ = ["lxc_keys_page"]

_INTRO = """\
Every key of the configuration of LXC 5 and 7, as `hv lint` knows them. `*` stands for a part that the user chooses, `N` for the
number of an interface. Of a key that is not repeatable only the last line counts. An empty value clears what stands above.
How to use it is told in [Lint a configuration](../how-to/lint-a-configuration.md).
"""
_OLD = """\
LXC refuses these since 3.0; `hv lint --translate` writes the present ones. A `lxc.network.` without a number belongs to the
interface that the last `lxc.network.type` began.
"""
_FILES = "What may stand for `*` in `lxc.cgroup{suffix}.*`. LXC passes these over where {elsewhere}.\n"


def lxc_keys_page() -> str:
    """Return the page of the keys."""
    parts = ["# Configuration keys of LXC\n", _INTRO]
    for title, keys in GROUPS.items():
        rows = [_row(key) for key in keys]
        parts.append(f"## {title}\n\n{table(('key', 'sets', 'value', 'example', 'repeatable', 'since'), rows)}")
    for version, suffix, elsewhere in ((1, "", "version 2 is all there is"), (2, "2", "version 1 is mounted, too")):
        said = _FILES.format(suffix=suffix, elsewhere=elsewhere)
        rows = [_file_row(file) for file in cgroup_files(version)]
        parts.append(f"## Files of cgroup version {version}\n\n{said}\n{table(('file', 'value', 'repeatable'), rows)}")
    renamed = [(code(old), code(new)) for old, new in RENAMED.items()]
    families = [("`lxc.limit.*`", "`lxc.prlimit.*`"), ("`lxc.network.*`", "`lxc.net.N.*`")]
    gone = [(code(old), why) for old, why in NOT_NEEDED.items()]
    parts.append(f"## Keys of LXC before 2.1\n\n{_OLD}\n{table(('key', 'today'), [*renamed, *families, *gone])}")
    lost = [(code(f"lxc.cgroup.{name}"), why) for name, why in {**NO_EFFECT, **WHY_NOT}.items()]
    parts.append(f"## Settings of cgroup version 1 without an equal\n\n{table(('key', 'why'), lost)}")
    return "\n".join(parts)


def _row(key: Key) -> list[str]:
    value = "none" if key.only_clears else key.grammar.allowed
    until = f", removed in {_said(key.removed)}" if key.removed else ""
    return [code(key.name), key.summary, value, code(key.example), _repeatable(key.repeat), _said(key.since) + until]


def _file_row(file: CgroupFile) -> list[str]:
    return [code(file.name), file.grammar.allowed, _repeatable(file.repeat)]


def _repeatable(repeat: Repeat) -> str:
    return "yes" if repeat is Repeat.ADDS else "no"


def _said(version: Version) -> str:
    return ".".join(map(str, version))
