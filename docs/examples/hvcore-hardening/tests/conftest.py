"""Fixtures of hvcore, live tests where they can run, and no other extension in the way."""

from __future__ import annotations

import pytest

from hvcore.testing.fixtures import (
    busybox_root,
    leak_check,
    leak_tags,
    lxc_host,
    own_directory,
    shared_busybox_root,
    unique_tag,
)
from hvcore.testing.live import LXC_TOOLS, require_for_live

__all__ = [
    "busybox_root",
    "leak_check",
    "leak_tags",
    "lxc_host",
    "own_directory",
    "shared_busybox_root",
    "unique_tag",
]


def pytest_runtest_setup(item: pytest.Item) -> None:
    require_for_live(item, LXC_TOOLS)


@pytest.fixture(autouse=True)
def _only_this_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HVCORE_PLUGINS", "hvcore-hardening")
    for variable in ("HVCORE_DISABLE", "HVCORE_ORDER"):
        monkeypatch.delenv(variable, raising=False)
