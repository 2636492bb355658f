"""The commands that run in a fake instance: real processes of this machine, as the caller, without any namespace.

They start in the instance's folder ``root/`` and are known by two variables of their environment. A stop ends those that
are left; one that has cleared its environment is not found.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from hvcore.errors import InvalidInput, OperationFailed
from hvcore.model.execution import ExecRequest
from hvcore.system.processes import open_pidfd, process_name, send_signal, wait_pidfds

__all__ = ["check_request", "command_line", "end_commands", "exit_status"]

_NAME = "HVCORE_INSTANCE"
_DIRECTORY = "HVCORE_INSTANCE_DIR"
_KILL = 9
_PATIENCE_S = 10.0
# The folder comes first: once a stop has taken it away, no command can enter the instance any more.
_ENTER = 'cd -- "$0" && { [ -z "$1" ] || cd -- "$1"; } && shift && exec env -- "$@"'


def check_request(request: ExecRequest) -> None:
    """Refuse what cannot be run.

    Raises:
        InvalidInput: naming the field.
    """
    if request.timeout_s is not None and not request.timeout_s > 0:
        raise InvalidInput(
            "the timeout of a command must be more than 0",
            key="timeout_s",
            value=request.timeout_s,
            allowed="more than 0 s, or none",
        )
    if request.attached and (request.timeout_s is not None or request.stdin is not None):
        raise InvalidInput(
            "an attached command has the caller's own streams and no time limit",
            key="attached",
            value=True,
            allowed="neither stdin nor timeout_s beside it",
        )
    if request.working_directory and not request.working_directory.startswith("/"):
        raise InvalidInput(
            "the working directory must be an absolute path",
            key="working_directory",
            value=request.working_directory,
            allowed="an absolute path",
        )
    for name, value in request.environment.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise InvalidInput(
                f"{name!r} cannot be set in an environment",
                key="environment",
                value=f"{name}={value}",
                allowed="names without '=' and null characters, and values without null characters",
            )
    if "=" in request.command[0]:
        raise InvalidInput(
            f"{request.command[0]!r} cannot be run: env(1) takes a name with '=' for a variable",
            key="command",
            value=request.command[0],
            allowed="a program's name without '='",
        )


def command_line(instance_name: str, root: Path, request: ExecRequest) -> tuple[str, ...]:
    """Return the argument list that runs a command in an instance's folder.

    The outer env(1) marks the process before it enters the folder; the inner one sets what the caller asked for, which no
    shell has then sifted.
    """
    return (
        "env",
        "--",
        f"{_NAME}={instance_name}",
        f"{_DIRECTORY}={_marker(root.parent)}",
        "/bin/sh",
        "-c",
        _ENTER,
        str(root),
        request.working_directory,
        *(f"{name}={value}" for name, value in request.environment.items()),
        *request.command,
    )


def exit_status(status: int) -> int:
    """Return an exit status as a shell tells it: 128 plus the number of the signal that ended a command."""
    return status if status >= 0 else 128 - status


def end_commands(directory: Path) -> None:
    """End every command that still runs in an instance, and wait until all are gone.

    Args:
        directory: the instance's directory.

    Raises:
        OperationFailed: one cannot be ended, such as one that waits inside the kernel.
    """
    wanted = f"{_DIRECTORY}={_marker(directory)}".encode("utf-8", "surrogateescape")
    deadline = time.monotonic() + _PATIENCE_S
    # A command may start another while it is looked at, so it takes a look that finds none.
    while pids := _marked(wanted):
        if time.monotonic() >= deadline:
            raise OperationFailed(
                "commands that run in the instance cannot be ended",
                details=[f"process {pid} ({process_name(pid) or 'gone'})" for pid in pids],
                resolution="find out what they wait for and try again",
            )
        _end(pids, wanted, deadline)


def _end(pids: list[int], wanted: bytes, deadline: float) -> None:
    descriptors: list[int] = []
    try:
        for pid in pids:
            descriptor = open_pidfd(pid)
            if descriptor is None:
                continue
            descriptors.append(descriptor)
            # Only now is the number sure to be that of the same process.
            if _is_marked(pid, wanted):
                send_signal(descriptor, _KILL)
        for descriptor in descriptors:
            wait_pidfds([descriptor], max(0.0, deadline - time.monotonic()))
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _marked(wanted: bytes) -> list[int]:
    own = os.getpid()
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if pid != own and _is_marked(pid, wanted)]


def _is_marked(pid: int, wanted: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return wanted in file.read().split(b"\0")
    except OSError:
        # It has ended, or is another user's and thus none that this user's instance has started.
        return False


def _marker(directory: Path) -> str:
    """The directory by its one real name, however the state directory was spelt."""
    return os.path.realpath(directory)
