"""Which version of cgroups a key belongs to."""

from __future__ import annotations

__all__ = ["cgroup_file_of"]

_PREFIXES = {1: "lxc.cgroup.", 2: "lxc.cgroup2."}
_META = ("dir", "dir.container", "dir.container.inner", "dir.monitor", "dir.monitor.pivot", "relative")


def cgroup_file_of(key: str) -> tuple[int, str]:
    """Return the version and the file's name of a cgroup key; (0, "") when it is none.

    Args:
        key: a key, such as ``lxc.cgroup2.memory.max``.
    """
    for version, prefix in _PREFIXES.items():
        name = key.removeprefix(prefix)
        if name != key and not (version == 1 and name in _META):
            return version, name
    return 0, ""
