"""Stop a process at its next exec, before the first instruction of the new program.

The kernel stops a traced process when exec is done and nothing of the new program has run: PTRACE_EVENT_EXEC. The process is
then held until it is let go, and dies with its tracer (PTRACE_O_EXITKILL), so that a killed manager never lets it run.

Source: ptrace(2).
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager

from hvcore.errors import OperationFailed
from hvcore.system.kernel_files import read_text

__all__ = ["ExecStop"]

_PTRACE_DETACH = 17
_PTRACE_CONT = 7
_PTRACE_SEIZE = 0x4206
_PTRACE_O_TRACEEXEC = 0x10
_PTRACE_O_EXITKILL = 0x100000
_EVENT_EXEC = 4
_WALL = 0x40000000
_PAUSE_S = 0.0005


class ExecStop:
    """A process on its way to an exec, held by this thread.

    Args:
        pid: the process; it must not have made the exec yet.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @classmethod
    @contextmanager
    def on(cls, pid: int) -> Generator[ExecStop]:
        """Trace a process for the body of a ``with``, and let it go at the end wherever it is.

        All calls must come from one thread, since the kernel traces per thread.

        Raises:
            OperationFailed: it is gone, or may not be traced.
        """
        _ptrace(_PTRACE_SEIZE, pid, _PTRACE_O_TRACEEXEC | _PTRACE_O_EXITKILL)
        stop = cls(pid)
        try:
            yield stop
        finally:
            stop._let_go()

    def wait(self, timeout_s: float) -> None:
        """Wait until the process has made its exec and is held.

        Args:
            timeout_s: seconds to wait at most.

        Raises:
            OperationFailed: it ended instead, or the time is up.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, _WALL | os.WNOHANG)
            if pid == 0:
                time.sleep(_PAUSE_S)
            elif not os.WIFSTOPPED(status):
                raise OperationFailed("it ended before its init could be started")
            elif status >> 8 == signal.SIGTRAP | _EVENT_EXEC << 8:
                return
            else:
                event = status >> 16
                _ptrace(_PTRACE_CONT, self.pid, 0 if event else os.WSTOPSIG(status))
        raise OperationFailed(f"its init was not started within {timeout_s:g} s")

    def _let_go(self) -> None:
        try:
            _ptrace(_PTRACE_DETACH, self.pid, 0)
        except OperationFailed:
            if _is_alive(self.pid):
                raise


def _is_alive(pid: int) -> bool:
    """Whether a process can still run; one that nobody has waited for yet cannot."""
    text = read_text(f"/proc/{pid}/stat")
    return text is not None and text.rpartition(")")[2].split()[0] not in {"Z", "X"}


def _ptrace(request: int, pid: int, data: int) -> None:
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.restype = ctypes.c_long
    call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if call(request, pid, None, data) < 0:
        error = ctypes.get_errno()
        raise OperationFailed(
            f"process {pid} cannot be traced: {os.strerror(error)}",
            resolution="starting paused needs CAP_SYS_PTRACE, and no other tracer on LXC",
        )
