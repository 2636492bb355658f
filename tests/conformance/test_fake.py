"""The embedded hypervisor keeps every clause."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

import hvcore
from hvcore.model.disk import Disk
from hvcore.model.nic import Nic
from hvcore.testing import HypervisorConformance
from hvcore.testing.fixtures import unique_tag

__all__ = ["unique_tag"]


class TestFake(HypervisorConformance):
    required_level = "migration"

    @pytest.fixture
    def hypervisor(self, tmp_path: Path) -> hvcore.Hypervisor:
        return hvcore.load(state_dir=tmp_path / "state", log_dir=tmp_path / "log").hypervisor("fake")

    @pytest.fixture
    def instance(self, unique_tag: str) -> hvcore.Instance:
        return hvcore.Instance(unique_tag, "fake", disks=(Disk("/srv/web1"),))

    @pytest.fixture
    def stubborn_instance(self, instance: hvcore.Instance) -> hvcore.Instance:
        return evolve(instance, parameters={"refuses_shutdown": True})

    @pytest.fixture
    def failing_instance(self, instance: hvcore.Instance) -> hvcore.Instance:
        return evolve(instance, parameters={"fail_step": "boot"})

    @pytest.fixture
    def spare_disk(self) -> Disk:
        return Disk("/srv/more", mount_point="/srv")

    @pytest.fixture
    def spare_nic(self) -> Nic:
        return Nic("bridged", link="br0", mac="aa:00:00:00:00:07")

    @pytest.fixture
    def second_hypervisor(self, tmp_path: Path) -> hvcore.Hypervisor:
        return hvcore.load(state_dir=tmp_path / "state2", log_dir=tmp_path / "log2").hypervisor("fake")

    @pytest.fixture
    def migration_target(self, tmp_path: Path) -> str:
        return str(tmp_path / "state2")
