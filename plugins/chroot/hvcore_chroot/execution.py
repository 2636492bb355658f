"""Running commands inside an instance.

A command that ends late is ended with all that it started: it gets a mark in its environment, which its children inherit.
"""

from __future__ import annotations

import uuid

from hvcore.errors import CommandTimeout
from hvcore.model.execution import ExecRequest, ExecResult
from hvcore.system.commands import Runner
from hvcore.system.marked import end_marked
from hvcore.system.processes import wait_pidfds
from hvcore_chroot.guest import Guest
from hvcore_chroot.launch import environment_of, foreground_command

__all__ = ["execute"]

_MARK = "HVCORE_EXEC"


def execute(runner: Runner, guest: Guest, request: ExecRequest) -> ExecResult:
    """Run a command in an instance's root and wait for its end.

    Raises:
        CommandTimeout: it did not end in time; it and its children were ended, or ``left_behind`` names them.
    """
    mark = uuid.uuid4().hex
    environment = {**environment_of(guest.name), **request.environment, _MARK: mark}
    words = request.command
    if request.working_directory:
        # chroot(8) has no option for it; the guest's own shell changes there, and becomes the command.
        script = 'cd -- "$1" && shift && exec "$@"'
        words = ("/bin/sh", "-c", script, "sh", request.working_directory, *words)
    root = str(guest.paths.root(guest.name))
    command = foreground_command(root, guest.groups.entries(guest.name), environment, words)
    if request.attached:
        return ExecResult(_status(runner.attach(command)))
    running = runner.spawn(command, stdin=request.stdin)
    try:
        in_time = bool(wait_pidfds([running.pidfd], request.timeout_s))
    except BaseException:
        running.end()
        running.close()
        end_marked(guest.pids, f"{_MARK}={mark}")
        raise
    if not in_time:
        running.end()
    done = running.wait(None)
    if in_time:
        return ExecResult(_status(done.status), done.output, done.errors)
    left = end_marked(guest.pids, f"{_MARK}={mark}")
    raise CommandTimeout(
        f"{request.command[0]} did not finish within {request.timeout_s:g} s and {'was not' if left else 'was'} ended",
        command=request.command,
        details=done.words,
        left_behind=left,
        resolution="its processes end when the instance is resumed" if left else "give it more time",
    )


def _status(status: int) -> int:
    return 128 - status if status < 0 else status
