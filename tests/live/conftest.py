"""What every live test gets: a patient wait, processes that may be killed, and the whole story of an error."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from hvcore.errors import HypervisorError
from hvcore.testing.fixtures import in_child

__all__ = ["in_child"]

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Show the whole story of an error, not only its first line."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, HypervisorError):
        report.sections.append(("the error's own story", call.excinfo.value.explain()))
    return report
