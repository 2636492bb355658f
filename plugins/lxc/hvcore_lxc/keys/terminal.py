"""The keys of console, terminals and pseudo-terminals."""

from __future__ import annotations

from hvcore_lxc.keys.grammars import ABSOLUTE, BOOLEAN, NUMBER, matching, one_of
from hvcore_lxc.keys.model import Key

__all__ = ["TERMINAL_KEYS"]

# "12M" is twelve bytes to LXC, which takes no unit of one letter for one.
_SIZE = matching(r"auto|(?:0|[1-9][0-9]{0,17}) ?(?:KB|MB|GB)?", "a size such as 128KB, or auto")

TERMINAL_KEYS = (
    Key(
        "lxc.console.path",
        "the device that the console is connected to",
        one_of("none", or_else=ABSOLUTE.accepts, allowed="an absolute path, or none"),
        "none",
    ),
    Key("lxc.console.logfile", "a file to which the console's output is written", ABSOLUTE, "/var/log/web1.log"),
    Key("lxc.console.buffer.size", "size of the buffer of the console's output", _SIZE, "128KB", since=(3, 0)),
    Key("lxc.console.size", "size of the file of the console's output", _SIZE, "auto", since=(3, 0)),
    Key("lxc.console.rotate", "whether that file is rotated when it is full", BOOLEAN, "0", since=(3, 0)),
    Key("lxc.tty.max", "the number of terminals", NUMBER, "4"),
    Key(
        "lxc.tty.dir",
        "the directory below /dev for terminals",
        matching("[^/].{0,254}", "a directory below /dev"),
        "lxc",
    ),
    Key("lxc.pty.max", "the most pseudo-terminals that the container may make", NUMBER, "1024"),
)
