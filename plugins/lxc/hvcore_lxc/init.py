"""The container's init: which one it is, and which signal asks it to shut down.

Sources: systemd's container interface and systemd(1), "Signals" (SIGRTMIN+3 halts); BusyBox ``init/init.c`` (SIGUSR2
powers off); OpenRC ``openrc-init.c`` (SIGTERM and SIGPWR shut down); init(8) of SysV (SIGPWR runs the powerfail entries of
inittab), which is also LXC's own default (``lxc.signal.halt`` in lxc.container.conf(5)).
"""

from __future__ import annotations

import enum
import os
import re
import signal
from collections.abc import Callable

__all__ = ["InitKind", "find_init_kind", "halt_signal", "leaves_by_itself", "signal_number"]

_MOST_BYTES = 4 * 1024 * 1024
_NUMBER = re.compile("[1-9][0-9]?")
_REAL_TIME = re.compile(r"(SIGRTMIN\+|SIGRTMAX-)([0-9]{1,2})")
_BUSYBOX_INITS = ("init", "linuxrc")


class InitKind(enum.StrEnum):
    """The inits whose way to shut down is known."""

    SYSTEMD = "systemd"
    BUSYBOX = "busybox"
    OPENRC = "openrc-init"
    SYSV = "sysvinit"
    OTHER = "other"


# What the programs that are themselves called init say of themselves; BusyBox reads the inittab too, so it comes first.
_MARKS = {b"BusyBox v": InitKind.BUSYBOX, b"OpenRC init": InitKind.OPENRC, b"/etc/inittab": InitKind.SYSV}


def signal_number(text: str) -> int:
    """Return the number of a signal such as ``SIGPWR``, ``SIGRTMIN+3`` or ``15``.

    Raises:
        ValueError: there is no such signal.
    """
    number = 0
    if text in signal.Signals.__members__:
        number = int(signal.Signals[text])
    elif match := _REAL_TIME.fullmatch(text):
        offset = int(match[2])
        number = signal.SIGRTMIN + offset if match[1] == "SIGRTMIN+" else signal.SIGRTMAX - offset
        number = number if signal.SIGRTMIN <= number <= signal.SIGRTMAX else 0
    elif _NUMBER.fullmatch(text):
        number = int(text)
    if not 0 < number <= signal.SIGRTMAX:
        raise ValueError(f"there is no signal {text!r}")
    return number


def halt_signal(kind: InitKind) -> int:
    """Return the signal that asks an init to shut the guest down."""
    return {
        InitKind.SYSTEMD: signal.SIGRTMIN + 3,
        InitKind.BUSYBOX: signal.SIGUSR2,
        InitKind.OPENRC: signal.SIGTERM,
        InitKind.SYSV: signal.SIGPWR,
        InitKind.OTHER: signal.SIGTERM,
    }[kind]


def leaves_by_itself(kind: InitKind) -> bool:
    """Whether an init ends after its shutdown even where it may not call reboot(2), as without ``sys_boot``."""
    return kind not in (InitKind.OPENRC, InitKind.SYSV)


def find_init_kind(pid: int, proc: str = "/proc") -> InitKind:
    """Look at a container's init.

    Args:
        pid: its pid, in the host's view.
        proc: where proc is mounted.

    Returns:
        The kind; OTHER when it is none of the known ones or is gone.
    """
    try:
        program = os.readlink(f"{proc}/{pid}/exe")
    except OSError:
        return InitKind.OTHER
    kind = kind_of_program(program, lambda: _content(f"{proc}/{pid}/exe"))
    if kind is InitKind.BUSYBOX and not _runs_busybox_init(_content(f"{proc}/{pid}/cmdline")):
        return InitKind.OTHER
    return kind


def _runs_busybox_init(command_line: bytes) -> bool:
    """Tell whether BusyBox runs as init, and not as its shell or another applet; True when that cannot be seen.

    Source: BusyBox ``libbb/appletlib.c`` (the applet is the name it is called by, or its first argument); ``init/init.c``
    shortens its command line to ``init``.
    """
    words = [os.path.basename(word) for word in os.fsdecode(command_line).split("\0") if word]
    applets = words[1:] if words and words[0].startswith("busybox") else words
    return not applets or applets[0] in _BUSYBOX_INITS


def kind_of_program(path: str, content: Callable[[], bytes]) -> InitKind:
    """Return the kind of init that a program is; its content is only asked for when the name does not tell."""
    name = os.path.basename(path.removesuffix(" (deleted)"))
    if name.startswith("systemd"):
        return InitKind.SYSTEMD
    if name.startswith("busybox"):
        return InitKind.BUSYBOX
    if name == "openrc-init":
        return InitKind.OPENRC
    if name == "init":
        text = content()
        return next((kind for mark, kind in _MARKS.items() if mark in text), InitKind.OTHER)
    return InitKind.OTHER


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return b""
