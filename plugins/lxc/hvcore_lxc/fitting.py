"""A document for one LXC and one layout of cgroups: no key that this LXC refuses, none that it passes over.

Source: LXC 5.0, ``cgfsng.c``: keys of cgroup version 1 are passed over where version 2 is all there is, those of version 2
everywhere else. LXC 7.0 has no version 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from hvcore.errors import InvalidInput, MissingRequirement
from hvcore.model.lint import Severity
from hvcore.system.cgroup_layout import CgroupMode
from hvcore_lxc.config_text import parse
from hvcore_lxc.document import ConfigDocument, ConfigEntry, render
from hvcore_lxc.keys.versions import cgroup_file_of

if TYPE_CHECKING:
    from hvcore_lxc.keys.model import Version

__all__ = ["fit", "fit_layout"]

_VERSION_2_ONLY: Version = (7, 0)
# What has the same effect and more on a release that does not know the narrower key.
_WIDER = {"lxc.environment.runtime": "lxc.environment", "lxc.environment.hooks": "lxc.environment"}
_SAME = ("devices.allow", "devices.deny", "cpuset.cpus", "cpuset.mems", "pids.max", "rdma.max", "cpu.idle")
_AS_IN_VERSION_1 = {
    **{name: name for name in _SAME},
    "memory.max": "memory.limit_in_bytes",
    "memory.low": "memory.soft_limit_in_bytes",
}


def fit(document: ConfigDocument, version: Version, mode: CgroupMode) -> ConfigDocument:
    """Return a document as one LXC takes it on one layout.

    Args:
        document: the document, in whatever keys.
        version: LXC's version, such as (5, 0, 2).
        mode: how the node's cgroups are mounted.

    Returns:
        The document; settings for the other version of cgroups are translated, or left out where the document has them
        for both.

    Raises:
        InvalidInput: a setting cannot be expressed there.
        MissingRequirement: this LXC cannot run on that layout.
    """
    if version >= _VERSION_2_ONLY and mode not in {CgroupMode.V2, CgroupMode.NONE}:
        raise MissingRequirement(
            f"LXC {'.'.join(map(str, version))} needs cgroup version 2 alone, and this node has {mode}",
            resolution="boot with systemd.unified_cgroup_hierarchy=1, or mount nothing but cgroup2",
        )
    fitted = evolve(document, entries=tuple(_known(entry, version) for entry in document.entries))
    if version >= _VERSION_2_ONLY or mode is CgroupMode.V2:
        return fit_layout(fitted, CgroupMode.V2)
    return fitted if mode is CgroupMode.NONE else _fit_version_1(fitted)


def fit_layout(document: ConfigDocument, mode: CgroupMode) -> ConfigDocument:
    """Return a document whose cgroup settings have an effect where version 2 is all there is.

    Raises:
        InvalidInput: a setting has no equal in version 2.
    """
    if mode is not CgroupMode.V2 or not any(cgroup_file_of(entry.key)[0] == 1 for entry in document.entries):
        return document
    from hvcore_lxc.keys.translated_cgroups import counterpart
    from hvcore_lxc.lint.translate import translate

    files = [cgroup_file_of(entry.key) for entry in document.entries]
    pairs = zip(document.entries, files, strict=True)
    kept = tuple(e for e, (version, name) in pairs if version != 1 or (2, counterpart(name)) not in files)
    translation = translate(render(evolve(document, entries=kept)), "")
    for finding in translation.findings:
        if finding.severity is Severity.ERROR:
            raise InvalidInput(
                finding.message, key=finding.key, value=finding.value, allowed="a setting of cgroup version 2"
            )
    return parse(translation.text)


def _fit_version_1(document: ConfigDocument) -> ConfigDocument:
    from hvcore_lxc.keys.translated_cgroups import counterpart

    files = (cgroup_file_of(entry.key) for entry in document.entries)
    said_for_both = {counterpart(name) for version, name in files if version == 1}
    entries: list[ConfigEntry] = []
    for entry in document.entries:
        version, name = cgroup_file_of(entry.key)
        if version != 2:
            entries.append(entry)
        elif name in _AS_IN_VERSION_1:
            if name not in said_for_both:
                value = "-1" if name == "memory.max" and entry.value == "max" else entry.value
                entries.append(ConfigEntry(f"lxc.cgroup.{_AS_IN_VERSION_1[name]}", value))
        elif name not in said_for_both:
            raise InvalidInput(
                f"{entry.key} has no effect where cgroup version 1 is mounted, and no equal there",
                key=entry.key,
                value=entry.value,
                allowed="a setting of cgroup version 1",
            )
    return ConfigDocument(tuple(entries))


def _known(entry: ConfigEntry, version: Version) -> ConfigEntry:
    from hvcore_lxc.keys.table import find_key

    key = find_key(entry.key)
    if key is None or key.is_known_to(version) or key.name == "lxc.cgroup.*":
        return entry
    if entry.key in _WIDER:
        return ConfigEntry(_WIDER[entry.key], entry.value)
    raise InvalidInput(
        f"LXC {'.'.join(map(str, version))} has no key {entry.key}",
        key=entry.key,
        value=entry.value,
        allowed=f"LXC {'.'.join(map(str, key.since))} or newer" if version < key.since else "another key",
    )
