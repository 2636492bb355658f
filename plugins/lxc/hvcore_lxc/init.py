"""The container's init: which one it is, and which signal asks it to shut down.

Sources: systemd's container interface and systemd(1), "Signals" (SIGRTMIN+3 halts); BusyBox ``init/init.c`` (SIGUSR2
powers off); OpenRC ``openrc-init.c`` (SIGTERM and SIGPWR shut down); init(8) of SysV (SIGPWR runs the powerfail entries of
inittab), which is also LXC's own default (``lxc.signal.halt`` in lxc.container.conf(5)).
"""

from __future__ import annotations

import enum
import os
import signal
from collections.abc import Callable

__all__ = ["InitKind", "find_init_kind", "halt_signal", "leaves_by_itself", "signal_number"]

_MOST_BYTES = 4 * 1024 * 1024


class InitKind(enum.StrEnum):
    """The inits whose way to shut down is known."""

    SYSTEMD = "systemd"
    BUSYBOX = "busybox"
    OPENRC = "openrc-init"
    SYSV = "sysvinit"
    OTHER = "other"


def signal_number(text: str) -> int:
    """Return the number of a signal such as ``SIGPWR``, ``SIGRTMIN+3`` or ``15``.

    Raises:
        ValueError: there is no such signal.
    """
    if text.isascii() and text.isdigit():
        number = int(text)
    else:
        name, sign, offset = text.partition("+") if "+" in text else text.partition("-")
        try:
            number = int(signal.Signals[name])
        except KeyError:
            raise ValueError(f"there is no signal {name}") from None
        number += int(f"{sign}{offset}") if sign else 0
    if not 0 < number <= signal.SIGRTMAX:
        raise ValueError(f"there is no signal {text}")
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
    return kind_of_program(program, lambda: _content(f"{proc}/{pid}/exe"))


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
        if b"BusyBox v" in text:
            return InitKind.BUSYBOX
        if b"/etc/inittab" in text:
            return InitKind.SYSV
    return InitKind.OTHER


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return b""
