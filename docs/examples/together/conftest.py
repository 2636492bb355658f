"""All examples in one process: the fixtures, and nothing disabled."""

from __future__ import annotations

from pathlib import Path

import pytest

from hvcore.testing.fixtures import leak_check, leak_tags, lxc_host, own_directory, shared_busybox_root, unique_tag
from hvcore.testing.live import require_for_live

__all__ = ["leak_check", "leak_tags", "lxc_host", "own_directory", "shared_busybox_root", "unique_tag"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    require_for_live(item)


@pytest.fixture(autouse=True)
def audit_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where calls are recorded."""
    for variable in ("HVCORE_PLUGINS", "HVCORE_DISABLE", "HVCORE_ORDER", "HVCORE_AUDIT_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HVCORE_AUDIT_FILE", str(tmp_path / "audit.jsonl"))
    return tmp_path / "audit.jsonl"
