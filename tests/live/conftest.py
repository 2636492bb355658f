"""What every live test gets: a patient wait, processes that may be killed, and the whole story of an error."""

from __future__ import annotations

import os
import select
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hvcore.errors import HypervisorError

PATIENCE_S = 20.0


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    """Wait until something is true and return it; fail when it never becomes true."""

    def wait(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (value := condition()):
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.002)
        return value

    return wait


class Child:
    """A process of its own that runs a function; another manager, which may be killed."""

    def __init__(self, body: Callable[[], object]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                body()
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        self._pidfd = os.pidfd_open(self.pid)
        self._status: int | None = None

    def kill(self) -> None:
        if self._status is None:
            os.kill(self.pid, 9)
            self.wait()

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """Its exit status, or minus the number of the signal that ended it."""
        if self._status is None:
            poller = select.poll()
            poller.register(self._pidfd, select.POLLIN)
            assert poller.poll(timeout_s * 1000), f"process {self.pid} does not end"
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self._pidfd)
        return self._status


@pytest.fixture
def in_child() -> Iterator[Callable[[Callable[[], object]], Child]]:
    """Run a function in a process of its own, which never outlives the test."""
    children: list[Child] = []

    def begin(body: Callable[[], object]) -> Child:
        children.append(Child(body))
        return children[-1]

    yield begin
    for child in children:
        child.kill()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Show the whole story of an error, not only its first line."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, HypervisorError):
        report.sections.append(("the error's own story", call.excinfo.value.explain()))
    return report
