"""Every promise of the contract, tried on real containers."""

from __future__ import annotations

import pytest

import hvcore
from hvcore.plugin import Support
from hvcore.testing import HypervisorConformance
from hvcore.testing.fixtures import LiveHost

BEHAVED = {"init": "/sbin/quick", "shutdown_signal": "SIGTERM", "shutdown_timeout": 20}


@pytest.mark.live
class TestNspawn(HypervisorConformance):
    @pytest.fixture
    def hypervisor(self, nspawn_host: LiveHost) -> hvcore.Hypervisor:
        return nspawn_host.hypervisor

    @pytest.fixture
    def instance(self, nspawn_host: LiveHost) -> hvcore.Instance:
        return nspawn_host.instance(**BEHAVED)

    @pytest.fixture
    def stubborn_instance(self, nspawn_host: LiveHost) -> hvcore.Instance:
        return nspawn_host.instance("deaf", **{**BEHAVED, "init": "/sbin/deaf"})

    @pytest.fixture
    def failing_instance(self, nspawn_host: LiveHost) -> hvcore.Instance:
        return nspawn_host.instance("broken", **{**BEHAVED, "init": "/sbin/none"})

    def test_what_is_unsupported(self, hypervisor: hvcore.Hypervisor) -> None:
        missing = {each.operation for each in hypervisor.capabilities() if each.support is Support.NO}
        assert {name for name in missing if "migrat" not in name} == {
            "get_all_instances_stats",
            "get_guest_end",
            "get_instance_stats",
            "hot_add_device",
            "hot_del_device",
            "hot_mod_device",
            "hotplug_supported",
            "lint_configuration",
            "plan_change",
            "resize_disk",
            "translate_configuration",
            "verify_hotplug_support",
            "watch_guest",
        }
