"""Another process that works on the same node, and may be killed."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

from hvcore.system.processes import wait_pidfds

__all__ = ["Child"]

_PATIENCE_S = 20.0


class Child:
    """A forked process that runs a function and ends, with status 0, or 1 when the function raised.

    Args:
        body: what it runs; what it raises is printed to the error stream.
    """

    def __init__(self, body: Callable[[], object]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _live(body)
        self._pidfd = os.pidfd_open(self.pid)
        self._status: int | None = None

    def kill(self) -> None:
        """Kill it, unless it was waited for, and wait for its end."""
        if self._status is None:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self.wait()

    def wait(self, timeout_s: float = _PATIENCE_S) -> int:
        """Wait for its end and return its exit status, or minus the number of the signal that ended it.

        Args:
            timeout_s: seconds to wait at most.

        Raises:
            AssertionError: it does not end in time.
        """
        if self._status is None:
            if not wait_pidfds([self._pidfd], timeout_s):
                raise AssertionError(f"process {self.pid} did not end within {timeout_s:g} s")
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self._pidfd)
        return self._status


def _live(body: Callable[[], object]) -> None:
    """Be the child: run the function and end, whatever it raises, without the parent's own clean-up."""
    status = 1
    try:
        body()
        status = 0
    except BaseException:  # noqa: BLE001 - a child has nobody to raise it to; it is printed, and the status tells
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
