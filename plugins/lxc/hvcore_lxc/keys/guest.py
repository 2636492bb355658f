"""The keys of what runs inside: name, init, environment, signals, limits per process, kernel settings."""

from __future__ import annotations

from hvcore_lxc.keys.grammars import BOOLEAN, NUMBER, PATH, SIGNAL, TEXT, each_of, matching, one_of
from hvcore_lxc.keys.model import Key, Repeat

__all__ = ["GUEST_KEYS"]

_ARCHITECTURES = """
    arm armel armhf armv7l athlon i386 i486 i586 i686 linux32 mips mipsel ppc powerpc x86
    aarch64 amd64 arm64 linux64 mips64 mips64el ppc64 ppc64el ppc64le powerpc64 riscv64 s390x x86_64
"""
_LIMITS = """
    as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack
"""
_LIMIT = r"(?:unlimited|0|[1-9][0-9]{0,19})"
_ENVIRONMENT = matching("[^=]+=.*", "NAME=VALUE")

GUEST_KEYS = (
    Key(
        "lxc.arch",
        "the architecture that the container sees",
        one_of(*_ARCHITECTURES.split(), allowed="an architecture such as x86_64, i686 or arm64"),
        "x86_64",
    ),
    Key("lxc.uts.name", "the host name", matching(r"\S{1,64}", "a host name of at most 64 characters"), "web1"),
    Key("lxc.ephemeral", "whether the container is destroyed, with its root, when it stops", BOOLEAN, "0"),
    Key("lxc.init.cmd", "the program that runs as init", TEXT, "/sbin/init"),
    Key("lxc.init.cwd", "the working directory of init", PATH, "/", since=(3, 0)),
    Key("lxc.init.uid", "the user of init", NUMBER, "0"),
    Key("lxc.init.gid", "the group of init", NUMBER, "0"),
    Key(
        "lxc.init.groups",
        "further groups of init",
        each_of(allowed="group numbers separated by commas", split=",", or_else=NUMBER.accepts),
        "10,20",
        Repeat.ADDS,
        since=(4, 0, 10),
    ),
    Key("lxc.execute.cmd", "the program that lxc-execute runs", TEXT, "/bin/true", since=(3, 0)),
    Key(
        "lxc.environment",
        "a variable for the container's init, and for hooks",
        _ENVIRONMENT,
        "LANG=C.UTF-8",
        Repeat.ADDS,
    ),
    Key(
        "lxc.environment.runtime",
        "a variable for the container's init alone",
        _ENVIRONMENT,
        "LANG=C.UTF-8",
        Repeat.ADDS,
        since=(7, 0),
    ),
    Key("lxc.environment.hooks", "a variable for hooks alone", _ENVIRONMENT, "DEBUG=1", Repeat.ADDS, since=(7, 0)),
    Key("lxc.signal.halt", "the signal that asks init to shut down", SIGNAL, "SIGPWR"),
    Key("lxc.signal.reboot", "the signal that asks init to reboot", SIGNAL, "SIGINT"),
    Key("lxc.signal.stop", "the signal that ends init", SIGNAL, "SIGKILL"),
    Key(
        "lxc.prlimit.*",
        "a limit of getrlimit(2): soft, or soft:hard",
        matching(rf"{_LIMIT}(?: ?: ?{_LIMIT})?", "a number or unlimited, or two of them with a colon between"),
        "1024:4096",
        since=(2, 1),
        subkeys=tuple(_LIMITS.split()),
    ),
    Key("lxc.sysctl.*", "a kernel setting of sysctl(8)", TEXT, "1", since=(3, 0)),
    Key("lxc.proc.*", "a file below /proc/PID of init", TEXT, "0", since=(3, 0)),
)
