"""The keys of hooks, of LXC's own logs and monitor, and of groups and start-up."""

from __future__ import annotations

from hvcore_lxc.keys.grammars import BOOLEAN, NUMBER, PATH, SIGNAL, SIGNED, TEXT, count, one_of
from hvcore_lxc.keys.model import Key, Repeat

__all__ = ["MANAGEMENT_KEYS"]

_LEVELS = ("TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "ERROR", "CRIT", "ALERT", "FATAL")
_HOOKS = {
    "pre-start": "before anything is set up, on the host",
    "start-host": "when the container's namespaces are there, on the host",
    "pre-mount": "before the root is mounted",
    "mount": "after the root is mounted",
    "autodev": "after /dev is made",
    "start": "right before init, in the container",
    "stop": "when the container stops, on the host",
    "post-stop": "after it has stopped, on the host",
    "clone": "when it is copied",
    "destroy": "when it is destroyed",
}

MANAGEMENT_KEYS = (
    *(
        Key(
            f"lxc.hook.{name}",
            f"a command that runs {when}",
            TEXT,
            f"/etc/lxc/{name}",
            Repeat.ADDS,
            (3, 0) if name == "start-host" else (2, 1),
        )
        for name, when in _HOOKS.items()
    ),
    Key("lxc.hook.version", "how hooks get their arguments: 0 as words, 1 in variables", BOOLEAN, "1", since=(3, 0)),
    Key("lxc.hook", "clears all hooks", TEXT, "", only_clears=True),
    Key(
        "lxc.include",
        "a file, or a directory of .conf files, to read here",
        PATH,
        "/usr/share/lxc/config/common.conf",
        Repeat.ADDS,
    ),
    Key("lxc.log.file", "where LXC logs to", PATH, "/var/log/lxc/web1.log"),
    Key(
        "lxc.log.level",
        "how much LXC logs",
        one_of(
            *_LEVELS,
            or_else=lambda value: count(0, 8).accepts(value) or value.upper() in _LEVELS,
            allowed=f"one of {', '.join(_LEVELS)}, or 0 to 8",
        ),
        "INFO",
    ),
    Key(
        "lxc.log.syslog",
        "the syslog facility to log to",
        one_of("daemon", *(f"local{number}" for number in range(8))),
        "daemon",
    ),
    Key("lxc.monitor.unshare", "whether the monitor gets a mount namespace of its own", BOOLEAN, "0"),
    Key(
        "lxc.monitor.signal.pdeath", "the signal that init gets when the monitor dies", SIGNAL, "SIGKILL", since=(3, 1)
    ),
    Key("lxc.group", "groups for lxc-autostart", TEXT, "onboot", Repeat.ADDS),
    Key("lxc.start.auto", "whether lxc-autostart starts it", BOOLEAN, "0"),
    Key("lxc.start.delay", "seconds to wait after it was started", NUMBER, "5"),
    Key("lxc.start.order", "its place among the others", SIGNED, "10"),
)
