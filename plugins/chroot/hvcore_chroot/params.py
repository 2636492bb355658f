"""The parameters of a chroot instance: Ganeti's one with its default, and what it lacked.

Source: Ganeti 3.1, ``hv_chroot.py`` and gnt-instance(8).
"""

from __future__ import annotations

from hvcore.model.parameters import FILE, Check, Parameter, ParameterType, ParameterValue

__all__ = ["PARAMETERS", "SYSTEM_MOUNTS", "seconds", "system_mounts"]

SYSTEM_MOUNTS = ("proc", "sys", "dev", "devpts")
"""What can be mounted inside, in the order in which it is."""

_MOST_SECONDS = 7 * 24 * 3600


def system_mounts(value: ParameterValue) -> tuple[str, ...]:
    """Return what is to be mounted inside, in the order in which it can be; an unset parameter wants nothing."""
    given = value if isinstance(value, tuple) else str(value or "").split(",")
    wanted = {word.strip() for word in given}
    return tuple(name for name in SYSTEM_MOUNTS if name in wanted)


def seconds(value: ParameterValue) -> float:
    """Return a parameter that is a time; an unset one is 0."""
    return float(str(value or 0))


def _are_system_mounts(value: ParameterValue) -> bool:
    given = value if isinstance(value, tuple) else str(value or "").split(",")
    return {word.strip() for word in given} <= {*SYSTEM_MOUNTS, ""}


def _is_script(path: str) -> bool:
    return path.strip("/") != "" and FILE.syntax is not None and bool(FILE.syntax(path))


def _is_wait(value: int) -> bool:
    return 0 <= value <= _MOST_SECONDS


_WAIT = Check(syntax=_is_wait, syntax_message=f"must be 0 to {_MOST_SECONDS} seconds")

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        name="init_script",
        type=ParameterType.STRING,
        default="/ganeti-chroot",
        description=(
            "The program in the root that is run with 'start' and with 'stop'. At 'start' it must leave processes in the"
            " background and end with 0."
        ),
        check=Check(
            required=True,
            syntax=_is_script,
            syntax_message="must be the absolute, normalised path of a file in the root",
        ),
        since="1.0",
        example="/etc/rc.chroot",
    ),
    Parameter(
        name="system_mounts",
        type=ParameterType.LIST,
        default=SYSTEM_MOUNTS,
        description=(
            "What is mounted inside before the script runs: proc at /proc, sys at /sys (read-only), dev at /dev (one of its own"
            " with the harmless devices) and devpts at /dev/pts. An empty list leaves it all to the script."
        ),
        check=Check(
            syntax=_are_system_mounts,
            syntax_message=f"must be names out of {', '.join(SYSTEM_MOUNTS)}, or an empty list",
        ),
        since="1.0",
        example="proc, dev, devpts",
    ),
    Parameter(
        name="startup_timeout",
        type=ParameterType.INT,
        default=120,
        description="Seconds that the script may take at 'start' before the start is given up and undone; 0 sets no limit.",
        check=_WAIT,
        since="1.0",
        example="120",
    ),
    Parameter(
        name="shutdown_timeout",
        type=ParameterType.INT,
        default=120,
        description=(
            "Seconds that a soft stop has when the caller names no time, as in a reboot: for the script's 'stop' and for"
            " what it leaves running."
        ),
        check=_WAIT,
        since="1.0",
        example="120",
    ),
    Parameter(
        name="term_timeout",
        type=ParameterType.INT,
        default=10,
        description="Seconds that processes which the script's 'stop' leaves have after SIGTERM; SIGKILL ends them then.",
        check=_WAIT,
        since="1.0",
        example="10",
    ),
)
"""What a chroot instance can be given under ``[parameters]``."""
