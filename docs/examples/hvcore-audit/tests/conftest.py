"""Fixtures of hvcore, live tests where they can run, and no other extension in the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.testing.fixtures import leak_check, leak_tags, lxc_host, own_directory, shared_busybox_root, unique_tag
from hvcore.testing.live import LXC_TOOLS, require_for_live

__all__ = ["leak_check", "leak_tags", "lxc_host", "own_directory", "shared_busybox_root", "unique_tag"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    require_for_live(item, LXC_TOOLS)


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where calls are recorded."""
    monkeypatch.setenv("HVCORE_PLUGINS", "hvcore-audit")
    for variable in ("HVCORE_DISABLE", "HVCORE_ORDER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HVCORE_AUDIT_FILE", str(tmp_path / "audit" / "audit.jsonl"))
    monkeypatch.setenv("HVCORE_AUDIT_CONFIG", str(tmp_path / "audit.toml"))
    (tmp_path / "audit.toml").touch()
    return tmp_path / "audit" / "audit.jsonl"


@pytest.fixture
def configure(tmp_path: Path) -> Callable[[str], None]:
    def configure(text: str) -> None:
        (tmp_path / "audit.toml").write_text(text)

    return configure


@pytest.fixture
def fake(tmp_path: Path) -> hvcore.Hypervisor:
    """An embedded hypervisor, which the installed extension has joined."""
    return hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log").hypervisor("fake")


@pytest.fixture
def lines(file: Path) -> Callable[..., list[dict[str, Any]]]:
    """What was recorded, of one operation or of all."""

    def lines(operation: str = "") -> list[dict[str, Any]]:
        found = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [line for line in found if operation in {"", line["operation"]}]

    return lines
