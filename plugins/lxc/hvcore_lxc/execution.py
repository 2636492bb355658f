"""Running commands inside a container.

lxc-attach does not take its command along when it is ended. So the command gets a mark in its environment, which its
children inherit, and whoever in the container bears the mark is ended when the time is up.
"""

from __future__ import annotations

import os
import signal
import uuid

from hvcore.errors import CommandTimeout
from hvcore.model.execution import ExecRequest, ExecResult
from hvcore.system.commands import Runner
from hvcore.system.processes import open_pidfd, send_signal, wait_pidfds
from hvcore_lxc.cgroup_manager import CgroupManager
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.tools import attach_command

__all__ = ["execute"]

_MARK = "HVCORE_EXEC"
_END_TIMEOUT_S = 10.0


def execute(runner: Runner, paths: LxcPaths, cgroups: CgroupManager, name: str, request: ExecRequest) -> ExecResult:
    """Run a command in a container and wait for its end.

    Raises:
        CommandTimeout: it did not end in time; it and its children were ended.
    """
    mark = f"{_MARK}={uuid.uuid4().hex}"
    command = attach_command(paths.lxcpath, name, request, mark)
    if request.attached:
        return ExecResult(_status(runner.attach(command)))
    try:
        done = runner.run(command, timeout_s=request.timeout_s, stdin=request.stdin, check=False)
    except BaseException as error:
        _end_marked(cgroups, name, mark)
        if isinstance(error, CommandTimeout):
            error.message = f"{request.command[0]} did not finish within {request.timeout_s:g} s and was ended"
            error.command = request.command
        raise
    return ExecResult(_status(done.status), done.output, done.errors)


def _status(status: int) -> int:
    return 128 - status if status < 0 else status


def _end_marked(cgroups: CgroupManager, name: str, mark: str) -> None:
    """End whoever bears the mark, again and again: a process may fork while it is being looked at."""
    while bearers := [pid for pid in cgroups.pids(name) if _bears(pid, mark)]:
        for pid in bearers:
            pidfd = open_pidfd(pid)
            if pidfd is not None:
                try:
                    send_signal(pidfd, signal.SIGKILL)
                    wait_pidfds([pidfd], _END_TIMEOUT_S)
                finally:
                    os.close(pidfd)


def _bears(pid: int, mark: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark.encode() in file.read().split(b"\0")
    except OSError:
        return False
