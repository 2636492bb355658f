"""Live tests run where they can, are skipped with the reason elsewhere, and may not be skipped where CI is set.

A ``conftest.py`` that registers the marker ``live`` uses it so::

    def pytest_runtest_setup(item: pytest.Item) -> None:
        require_for_live(item, LXC_TOOLS)
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

import pytest

__all__ = ["LXC_TOOLS", "missing_for_live", "require_for_live"]

LXC_TOOLS: Mapping[str, str] = {"lxc-start": "lxc", "busybox": "busybox-static"}
"""What tests on real containers of LXC need: a program, and the Debian package that brings it."""


def missing_for_live(tools: Mapping[str, str] = LXC_TOOLS) -> list[str]:
    """Return what this machine lacks for live tests, and how to get it.

    Args:
        tools: program -> the Debian package that brings it.
    """
    missing: list[str] = []
    if os.geteuid() != 0:
        missing.append("root (run the tests with sudo)")
    return missing + [
        f"{tool} (apt-get install {package})" for tool, package in tools.items() if shutil.which(tool) is None
    ]


def require_for_live(item: pytest.Item, tools: Mapping[str, str] = LXC_TOOLS) -> None:
    """Skip a test that is marked ``live`` where something is missing; fail it where the variable CI is set.

    Args:
        item: the test.
        tools: program -> the Debian package that brings it.
    """
    if item.get_closest_marker("live") is None:
        return
    missing = missing_for_live(tools)
    if missing:
        reason = f"a live test needs {', '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}; with CI set, no live test may be skipped", pytrace=False)
        pytest.skip(reason)
