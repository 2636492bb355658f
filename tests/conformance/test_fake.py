"""The embedded hypervisor keeps every clause."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

import hvcore
from hvcore.testing import HypervisorConformance
from hvcore.testing.fixtures import unique_tag

__all__ = ["unique_tag"]


class TestFake(HypervisorConformance):
    required_level = "full"

    @pytest.fixture
    def hypervisor(self, tmp_path: Path) -> hvcore.Hypervisor:
        return hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log").hypervisor("fake")

    @pytest.fixture
    def instance(self, unique_tag: str) -> hvcore.Instance:
        return hvcore.Instance(unique_tag, "fake")

    @pytest.fixture
    def stubborn_instance(self, instance: hvcore.Instance) -> hvcore.Instance:
        return evolve(instance, parameters={"refuses_shutdown": True})

    @pytest.fixture
    def failing_instance(self, instance: hvcore.Instance) -> hvcore.Instance:
        return evolve(instance, parameters={"fail_step": "boot"})
