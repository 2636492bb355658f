"""The keys of namespaces and of scheduling domains."""

from __future__ import annotations

from hvcore_lxc.keys.grammars import BOOLEAN, TEXT, each_of, matching
from hvcore_lxc.keys.model import Key, Repeat

__all__ = ["NAMESPACE_KEYS"]

_NAMES = ("user", "mnt", "pid", "uts", "ipc", "net", "cgroup", "time")
_LIST = each_of(*_NAMES, allowed=f"names of namespaces: {', '.join(_NAMES)}")
_OFFSET = matching(r"-?(?:0|[1-9][0-9]{0,17}) ?(?:h|m|s|ms|us|ns)", "a number with a unit: h, m, s, ms, us or ns")
_ID = "(?:0|[1-9][0-9]{0,9})"

NAMESPACE_KEYS = (
    Key("lxc.namespace.clone", "the namespaces that are made", _LIST, "pid net", Repeat.ADDS, since=(3, 0)),
    Key("lxc.namespace.keep", "the namespaces that the starter shares", _LIST, "user", Repeat.ADDS, since=(3, 0)),
    Key(
        "lxc.namespace.share.*",
        "a namespace to join: that of a process, of a container, or of a file",
        TEXT,
        "/run/netns/blue",
        since=(3, 0),
        subkeys=_NAMES,
    ),
    Key(
        "lxc.idmap",
        "a range of user or group numbers: kind, first inside, first outside, how many",
        matching(rf"[ug]\s+{_ID}\s+{_ID}\s+[1-9][0-9]{{0,9}}", "u or g, and three numbers: inside, outside, how many"),
        "u 0 100000 65536",
        Repeat.ADDS,
    ),
    Key(
        "lxc.time.offset.boot",
        "what the container's clock of the time since boot is ahead",
        _OFFSET,
        "24h",
        since=(5, 0),
    ),
    Key("lxc.time.offset.monotonic", "what its monotonic clock is ahead", _OFFSET, "1h", since=(5, 0)),
    Key("lxc.sched.core", "whether it shares no core with others at the same time", BOOLEAN, "0", since=(4, 0, 11)),
)
