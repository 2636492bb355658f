"""The keys of cgroups; the files that a family's subkeys name are in ``cgroup_files``."""

from __future__ import annotations

from hvcore_lxc.keys.grammars import BOOLEAN, TEXT, matching
from hvcore_lxc.keys.model import Key, Repeat

__all__ = ["CGROUP_KEYS"]

_BELOW = matching(
    r"(?!/)(?!(?:.*/)?\.\.(?:/.*)?$).+", "a path below the root of the hierarchy, without '..' and not absolute"
)
_NAME = matching(r"(?!\.{1,2}$)[^/]+", "the name of one directory")

CGROUP_KEYS = (
    Key(
        "lxc.cgroup.*",
        "a file of the container's cgroup, version 1; no effect where only version 2 is mounted",
        TEXT,
        "64M",
        Repeat.ADDS,
        removed=(7, 0),
    ),
    Key(
        "lxc.cgroup2.*",
        "a file of the container's cgroup, version 2; no effect where version 1 is mounted, too",
        TEXT,
        "64M",
        Repeat.ADDS,
        since=(3, 0),
    ),
    Key("lxc.cgroup.dir", "the cgroup below which the container's are made", _BELOW, "lxc"),
    Key("lxc.cgroup.dir.container", "the container's cgroup", _BELOW, "lxc/web1", since=(5, 0)),
    Key("lxc.cgroup.dir.container.inner", "the cgroup that the container sees as its root", _NAME, "ns", since=(5, 0)),
    Key("lxc.cgroup.dir.monitor", "the monitor's cgroup", _BELOW, "lxc-monitor/web1", since=(5, 0)),
    Key("lxc.cgroup.dir.monitor.pivot", "where the monitor goes at the end", _BELOW, "lxc-monitor", since=(5, 0)),
    Key("lxc.cgroup.relative", "whether cgroups are made below the starter's own", BOOLEAN, "0", since=(3, 1)),
)
