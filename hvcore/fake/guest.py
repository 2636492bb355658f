"""The commands that run in a fake instance: real processes of this machine, as the caller, without any namespace.

They start in the instance's folder ``root/`` and are known by variables of their environment, which their children inherit.
A stop ends those that are left, and so does a time limit; one that has cleared its environment is not found.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hvcore.errors import CommandTimeout, InvalidInput, OperationFailed
from hvcore.fake.clock import read_clock
from hvcore.fake.processes import end_marked, mark_of
from hvcore.model.execution import ExecRequest, ExecResult

if TYPE_CHECKING:
    from hvcore.fake.machine import Machine

__all__ = ["execute"]

_NAME = "HVCORE_INSTANCE"
_CALL = "HVCORE_EXEC"
# The folder comes first: once a stop has taken it away, no command can enter the instance any more.
_ENTER = 'cd -- "$0" && { [ -z "$1" ] || cd -- "$1"; } && shift && exec env -- "$@"'


def execute(machine: Machine, request: ExecRequest) -> ExecResult:
    """Run a command in an instance and wait for its end.

    Raises:
        InvalidInput: the request cannot be met.
        NotRunning: the instance does not run.
        OperationFailed: it is paused, or the working directory is none.
        CommandTimeout: the command did not end in time; it and its children were ended.
    """
    _check(request)
    if machine.require_running(read_clock()).is_paused:
        raise OperationFailed(f"{machine.name} is paused and runs no commands", resolution="resume it first")
    if request.working_directory and not os.path.isdir(request.working_directory):
        raise OperationFailed(
            f"{request.working_directory} is no directory", resolution="make it, or choose another working directory"
        )
    mark = f"{_CALL}={os.urandom(16).hex()}"
    argv = _command_line(machine, mark, request)
    if request.attached:
        return ExecResult(_exit_status(machine.context.runner.attach(argv)))
    try:
        done = machine.context.runner.run(argv, timeout_s=request.timeout_s, stdin=request.stdin, check=False)
    except CommandTimeout as error:
        end_marked(mark)
        raise CommandTimeout(
            f"{request.command[0]} did not finish within {request.timeout_s:g} s and was ended",
            command=request.command,
            details=error.details,
        ) from error
    return ExecResult(_exit_status(done.status), done.output, done.errors)


def _check(request: ExecRequest) -> None:
    """Refuse what this hypervisor cannot run.

    Raises:
        InvalidInput: naming the field.
    """
    if "=" in request.command[0]:
        raise InvalidInput(
            f"{request.command[0]!r} cannot be run: env(1) takes a name with '=' for a variable",
            key="command",
            value=request.command[0],
            allowed="a program's name without '='",
        )


def _command_line(machine: Machine, mark: str, request: ExecRequest) -> tuple[str, ...]:
    """Return the argument list that runs a command in an instance's folder.

    The outer env(1) marks the process before it enters the folder; the inner one sets what the caller asked for, which no
    shell has then sifted.
    """
    return (
        "env",
        "--",
        f"{_NAME}={machine.name}",
        mark_of(machine.files.directory),
        mark,
        "/bin/sh",
        "-c",
        _ENTER,
        str(machine.files.root),
        request.working_directory,
        *(f"{name}={value}" for name, value in request.environment.items()),
        *request.command,
    )


def _exit_status(status: int) -> int:
    """Return an exit status as a shell tells it: 128 plus the number of the signal that ended a command."""
    return status if status >= 0 else 128 - status
