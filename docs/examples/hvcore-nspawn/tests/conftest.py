"""Fixtures of hvcore, and a host of nspawn with a state directory of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hvcore.testing.busybox import build_busybox_root
from hvcore.testing.fixtures import LiveHost, leak_check, leak_tags, live_host, own_directory, unique_tag
from hvcore.testing.leaks import LeakCheck
from hvcore.testing.live import require_for_live

__all__ = ["leak_check", "leak_tags", "own_directory", "unique_tag"]

TOOLS = {"systemd-nspawn": "systemd-container", "busybox": "busybox-static", "nsenter": "util-linux"}

INITS = {
    "quick": "trap 'exit 0' TERM\nwhile :; do sleep 86400 & wait $!; done\n",
    "deaf": "trap '' TERM\nwhile :; do sleep 86400 & wait $!; done\n",
    "dies-soon": "echo I cannot go on >&2\nexit 3\n",
}
"""Inits that end at once when they are asked to, never do, and never get so far."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    require_for_live(item, TOOLS)


@pytest.fixture(autouse=True)
def _no_other_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HVCORE_PLUGINS", "hvcore-nspawn")
    for variable in ("HVCORE_DISABLE", "HVCORE_ORDER"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="session")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A guest's root for the whole run, shown to guests read-only."""
    root = build_busybox_root(tmp_path_factory.mktemp("busybox") / "root")
    for name, script in INITS.items():
        (root / "sbin" / name).write_text(f"#!/bin/sh\n{script}")
        (root / "sbin" / name).chmod(0o755)
    return root


@pytest.fixture
def nspawn_host(own_directory: Path, unique_tag: str, leak_check: LeakCheck, shared_root: Path) -> Iterator[LiveHost]:
    """nspawn with a state directory of the test's own; every instance is ended afterwards, and nothing may be left."""
    yield from live_host("nspawn", own_directory, unique_tag, leak_check, shared_root)
