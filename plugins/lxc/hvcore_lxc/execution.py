"""Running commands inside a container.

lxc-attach does not take its command along when it is ended. So the command gets a mark in its environment, which its
children inherit, and whoever in the container bears the mark is ended when the time is up.
"""

from __future__ import annotations

import time
import uuid

from hvcore.errors import CommandTimeout, OperationFailed
from hvcore.model.execution import ExecRequest, ExecResult
from hvcore.system.commands import Runner
from hvcore.system.marked import end_marked
from hvcore.system.processes import wait_pidfds
from hvcore_lxc.cgroup_manager import CgroupManager
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.tools import attach_command

__all__ = ["execute"]

_MARK = "HVCORE_EXEC"
_LEAVE_S = 1.0
_LOOK_S = 0.005


def execute(runner: Runner, paths: LxcPaths, cgroups: CgroupManager, name: str, request: ExecRequest) -> ExecResult:
    """Run a command in a container and wait for its end.

    Raises:
        CommandTimeout: it did not end in time; it and its children were ended, or ``left_behind`` names them.
        OperationFailed: LXC's monitor is dead.
    """
    if not cgroups.monitor_pids(name):
        raise OperationFailed(
            f"LXC's monitor of {name} is dead, so no command can be run in it",
            resolution="the guest itself runs on; a stop and a start give it a monitor again",
        )
    mark = f"{_MARK}={uuid.uuid4().hex}"
    command = attach_command(paths.lxcpath, name, request, mark)
    if request.attached:
        return ExecResult(_status(runner.attach(command)))
    running = runner.spawn(command, stdin=request.stdin)
    try:
        if wait_pidfds([running.pidfd], request.timeout_s):
            done = running.wait(None)
            return ExecResult(_status(done.status), done.output, done.errors)
        # The command is ended before lxc-attach, which is its parent and takes note of its end; or is still to begin it.
        deadline = time.monotonic() + _LEAVE_S
        left = end_marked(lambda: cgroups.pids(name), mark)
        while not left and not wait_pidfds([running.pidfd], _LOOK_S) and time.monotonic() < deadline:
            left = end_marked(lambda: cgroups.pids(name), mark)
    except BaseException:
        running.end()
        running.close()
        end_marked(lambda: cgroups.pids(name), mark)
        raise
    running.end()
    words = running.wait(None).words
    raise _too_late(request, left or end_marked(lambda: cgroups.pids(name), mark), words)


def _too_late(request: ExecRequest, left: tuple[str, ...], words: tuple[str, ...]) -> CommandTimeout:
    return CommandTimeout(
        f"{request.command[0]} did not finish within {request.timeout_s:g} s and {'was not' if left else 'was'} ended",
        command=request.command,
        details=words,
        left_behind=left,
        resolution="its processes end when the instance is resumed" if left else "give it more time",
    )


def _status(status: int) -> int:
    return 128 - status if status < 0 else status
