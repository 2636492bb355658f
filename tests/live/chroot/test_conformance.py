"""chroot keeps the contract, with real processes in real roots."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from hvcore.hypervisor import Hypervisor
from hvcore.model.capability import Support
from hvcore.model.instance import Instance
from hvcore.testing import HypervisorConformance
from hvcore.testing.fixtures import LiveHost


@pytest.mark.live
class TestChroot(HypervisorConformance):
    @pytest.fixture
    def hypervisor(self, chroot_host: LiveHost) -> Hypervisor:
        return chroot_host.hypervisor

    @pytest.fixture
    def instance(self, chroot_host: LiveHost) -> Instance:
        return chroot_host.instance(init_script="/sbin/orderly")

    @pytest.fixture
    def stubborn_instance(self, instance: Instance) -> Instance:
        return evolve(instance, parameters={**instance.parameters, "init_script": "/sbin/deaf"})

    @pytest.fixture
    def failing_instance(self, instance: Instance) -> Instance:
        return evolve(instance, parameters={**instance.parameters, "init_script": "/sbin/fails-start"})

    @pytest.fixture
    def leftovers(self, leak_check: Any) -> Any:
        return lambda: [f"{kind}: {item}" for kind, items in leak_check.left().items() for item in items]

    def test_what_is_unsupported(self, hypervisor: Hypervisor) -> None:
        missing = {each.operation for each in hypervisor.capabilities() if each.support is Support.NO}
        assert {name for name in missing if "migrat" not in name} == {
            "balloon_instance_memory",
            "hot_add_device",
            "hot_del_device",
            "hot_mod_device",
            "hotplug_supported",
            "lint_configuration",
            "plan_change",
            "resize_disk",
            "translate_configuration",
            "verify_hotplug_support",
        }
