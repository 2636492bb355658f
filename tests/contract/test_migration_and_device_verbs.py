"""The hooks of migration and hotplug through the verbs that call them; see ``test_verbs``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hvcore.model.devices import DeviceAction, DeviceType, HotplugExtra
from hvcore.model.instance import Disk, Nic
from hvcore.model.migration import MigrationState, MigrationStatus
from hvcore.model.nic import NicMode

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

NIC = Nic(NicMode.NONE)


# Migration.


@pytest.mark.parametrize("answer", [True, False])
def test_can_migrate(contract: Contract, answer: bool) -> None:
    contract.answers["can_migrate"] = answer
    assert contract.hypervisor.can_migrate is answer
    assert contract.only("can_migrate") == {}


@pytest.mark.parametrize("answer", [True, False])
def test_versions_safe_for_migration(contract: Contract, answer: bool) -> None:
    contract.answers["versions_safe_for_migration"] = answer
    assert contract.hypervisor.versions_safe_for_migration((5, 0), (5, 1)) is answer
    assert contract.only("versions_safe_for_migration") == {"source": (5, 0), "target": (5, 1)}


def test_migration_info(contract: Contract) -> None:
    contract.answers["migration_info"] = "opaque"
    contract.forms(contract.hypervisor.migration_info, "migration_info")


def test_accept_instance(contract: Contract) -> None:
    contract.hypervisor.accept_instance(contract.definition, "opaque", "192.0.2.2")
    assert contract.only("accept_instance", locked=True) == {
        "instance": contract.filled,
        "info": "opaque",
        "target": "192.0.2.2",
    }


def test_migrate_instance(contract: Contract) -> None:
    contract.forms(contract.hypervisor.migrate_instance, "migrate_instance", "192.0.2.2", locked=True)
    contract.hypervisor.migrate_instance("web1", "192.0.2.2")  # Ganeti 2.6 knew no cluster name
    assert contract.only("migrate_instance", locked=True) == {
        "cluster_name": "",
        "instance": contract.filled,
        "target": "192.0.2.2",
        "live": True,
    }
    contract.hypervisor.migrate_instance("web1", "192.0.2.2", live=False, cluster_name="cluster")
    arguments = contract.only("migrate_instance", locked=True)
    assert (arguments["cluster_name"], arguments["live"]) == ("cluster", False)


def test_get_migration_status(contract: Contract) -> None:
    contract.answers["get_migration_status"] = MigrationStatus(MigrationState.ACTIVE)
    contract.forms(contract.hypervisor.get_migration_status, "get_migration_status")


def test_finalize_migration_source(contract: Contract) -> None:
    verb = contract.hypervisor.finalize_migration_source
    contract.forms(verb, "finalize_migration_source", True, locked=True)
    verb("web1", success=False, live=False)
    assert contract.only("finalize_migration_source", locked=True) == {
        "instance": contract.filled,
        "success": False,
        "live": False,
    }


def test_finalize_migration_dst(contract: Contract) -> None:
    verb = contract.hypervisor.finalize_migration_dst
    contract.forms(verb, "finalize_migration_dst", "opaque", True, locked=True)
    verb("web1", "opaque", success=False)
    assert contract.only("finalize_migration_dst", locked=True) == {
        "instance": contract.filled,
        "info": "opaque",
        "success": False,
    }


# Devices.


def test_resize_disk(contract: Contract) -> None:
    disk = Disk("/srv/web1")
    contract.forms(contract.hypervisor.resize_disk, "resize_disk", disk, 2**30, locked=True)
    contract.hypervisor.resize_disk("web1", disk, new_size_bytes=2**31)
    assert contract.only("resize_disk", locked=True) == {
        "instance": contract.filled,
        "disk": disk,
        "new_size_bytes": 2**31,
    }


def hotplug(contract: Contract, hook: str, answer: str | None) -> None:
    contract.answers[hook] = answer
    verb = getattr(contract.hypervisor, hook)
    contract.forms(verb, hook, DeviceType.NIC, NIC, 1, locked=True)
    extra, disk = HotplugExtra("/run/web1:1", "uri"), Disk("/srv/more")
    assert verb("web1", DeviceType.DISK, disk, 2, extra=extra) is answer
    assert contract.only(hook, locked=True) == {
        "instance": contract.filled,
        "device_type": DeviceType.DISK,
        "device": disk,
        "extra": extra,
        "sequence": 2,
    }


def test_hot_add_device(contract: Contract) -> None:
    hotplug(contract, "hot_add_device", "nic1")


def test_hot_del_device(contract: Contract) -> None:
    hotplug(contract, "hot_del_device", None)


def test_hot_mod_device(contract: Contract) -> None:
    hotplug(contract, "hot_mod_device", "nic2")


def test_verify_hotplug_support(contract: Contract) -> None:
    verb = contract.hypervisor.verify_hotplug_support
    contract.forms(verb, "verify_hotplug_support", DeviceAction.ADD, DeviceType.DISK)
    verb("web1", DeviceAction.MODIFY, DeviceType.NIC)
    assert contract.only("verify_hotplug_support") == {
        "instance": contract.filled,
        "action": DeviceAction.MODIFY,
        "device_type": DeviceType.NIC,
    }


def test_hotplug_supported(contract: Contract) -> None:
    contract.forms(contract.hypervisor.hotplug_supported, "hotplug_supported")
