"""The parameters of an instance.

Source: systemd-nspawn(1), systemd(1) "Signals".
"""

from __future__ import annotations

import re
import signal

from hvcore.plugin import Check, Parameter, ParameterType

__all__ = ["PARAMETERS", "signal_number"]

_MOST_SECONDS = 7 * 24 * 3600
_REAL_TIME = re.compile(r"SIGRTMIN(?:\+([0-9]{1,2}))?")


def signal_number(text: str) -> int:
    """Return the number of a signal such as ``SIGUSR2``, ``SIGRTMIN+4`` or ``15``.

    Raises:
        ValueError: there is no such signal.
    """
    match = _REAL_TIME.fullmatch(text)
    if match:
        number = int(signal.SIGRTMIN) + int(match[1] or 0)
    else:
        number = int(text) if text.isdecimal() else int(signal.Signals[text]) if text in _NAMES else 0
    if not 1 <= number <= int(signal.SIGRTMAX):
        raise ValueError(f"there is no signal {text}")
    return number


_NAMES = frozenset(signal.Signals.__members__)


def _is_signal(text: str) -> bool:
    return signal_number(text) > 0


def _is_program(text: str) -> bool:
    return text.startswith("/")


def _is_wait(seconds: int) -> bool:
    return 0 <= seconds <= _MOST_SECONDS


def _is_limit(seconds: int) -> bool:
    return 1 <= seconds <= _MOST_SECONDS


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        name="init",
        type=ParameterType.STRING,
        default="/sbin/init",
        description="The program that runs as the guest's first process.",
        check=Check(required=True, syntax=_is_program, syntax_message="must be the absolute path of a program"),
        since="1.0",
        example="/usr/lib/systemd/systemd",
    ),
    Parameter(
        name="shutdown_signal",
        type=ParameterType.STRING,
        default="SIGRTMIN+4",
        description="The signal that asks the init to shut down: SIGRTMIN+4 for systemd, SIGUSR2 for BusyBox, else SIGTERM.",
        check=Check(required=True, syntax=_is_signal, syntax_message="must be a signal such as SIGTERM or SIGRTMIN+4"),
        since="1.0",
        example="SIGUSR2",
    ),
    Parameter(
        name="shutdown_timeout",
        type=ParameterType.INT,
        default=90,
        description="Seconds that the guest has to shut down when the caller names no time, as in a reboot.",
        check=Check(required=True, syntax=_is_wait, syntax_message=f"must be 0 to {_MOST_SECONDS} seconds"),
        since="1.0",
        example="90",
    ),
    Parameter(
        name="startup_timeout",
        type=ParameterType.INT,
        default=30,
        description="Seconds that a start may take before it is given up and undone.",
        check=Check(required=True, syntax=_is_limit, syntax_message=f"must be 1 to {_MOST_SECONDS} seconds"),
        since="1.0",
        example="30",
    ),
)
"""What an instance can be given under ``[parameters]``."""
