"""Devices of a running instance: they stand in its definition, and wrong requests change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hvcore.errors import HotplugError
from hvcore.model.devices import DeviceAction, DeviceType, HotplugExtra
from hvcore.model.disk import Disk
from hvcore.model.nic import Nic

Make = Callable[..., Any]
DISK, NIC = DeviceType.DISK, DeviceType.NIC
ROOT, DATA, MORE = Disk("/srv/web1"), Disk("/srv/data", mount_point="/data"), Disk("/srv/more", mount_point="/more")
ETH0 = Nic("bridged", link="br0", mac="aa:00:00:12:34:56", name="eth0")
ETH1 = Nic("bridged", link="br0", mac="aa:00:00:12:34:57", name="eth1")


@pytest.fixture
def running(fake: Any, instance: Make) -> Any:
    fake.start_instance(instance(disks=[ROOT, DATA], nics=[ETH0]))
    return fake


def devices(fake: Any) -> tuple[list[str], list[str]]:
    """The paths of the disks and the names of the interfaces."""
    definition = fake.get_instance_definition("web1")
    return [disk.path for disk in definition.disks], [nic.name for nic in definition.nics]


def test_an_added_device_stands_in_the_definition(running: Any, place: Any) -> None:
    extra = HotplugExtra("/run/links/web1:2", None)
    assert running.hot_add_device("web1", DISK, MORE, 2, extra) == "disk2"
    assert running.hot_add_device("web1", NIC, ETH1, 0) == "nic0"
    assert devices(running) == (["/srv/web1", "/srv/data", "/srv/more"], ["eth1", "eth0"])
    assert devices(place.hypervisor()) == devices(running)
    assert place.log()[-2].startswith("hot-add disk2: ")
    running.stop_instance("web1")
    assert place.remains() == []


def test_a_removed_device_is_gone_from_the_definition(running: Any) -> None:
    running.hot_del_device("web1", DISK, DATA, 1)
    running.hot_del_device("web1", NIC, Nic("bridged", link="br9", mac=ETH0.mac), 0)
    assert devices(running) == (["/srv/web1"], [])


def test_a_changed_device_is_as_given(running: Any) -> None:
    changed = Nic("routed", mac=ETH0.mac, name="eth0", ip="192.0.2.10/24")
    assert running.hot_mod_device("web1", NIC, changed, 0) == "nic0"
    assert running.get_instance_definition("web1").nics == (changed,)
    read_only = Disk(DATA.path, mount_point="/data", read_only=True)
    assert running.hot_mod_device("web1", DISK, read_only, 1) == "disk1"
    assert running.get_instance_definition("web1").disks == (ROOT, read_only)


def test_interfaces_without_address_and_name_do_not_clash(running: Any) -> None:
    plain = Nic("bridged", link="br0")
    assert running.hot_add_device("web1", NIC, plain, 1) == "nic1"
    assert running.hot_add_device("web1", NIC, plain, 2) == "nic2"
    running.hot_del_device("web1", NIC, plain, 1)
    assert len(running.get_instance_definition("web1").nics) == 2


def test_a_device_type_may_be_its_word(running: Any) -> None:
    assert running.hot_add_device("web1", "disk", MORE, 2) == "disk2"
    assert devices(running)[0][2] == "/srv/more"


WRONG: dict[str, Callable[[Any], object]] = {
    "no such place to add": lambda fake: fake.hot_add_device("web1", DISK, MORE, 3),
    "a place before the first": lambda fake: fake.hot_add_device("web1", DISK, MORE, -1),
    "the same disk": lambda fake: fake.hot_add_device("web1", DISK, Disk(DATA.path, mount_point="/other"), 2),
    "the same mount point": lambda fake: fake.hot_add_device("web1", DISK, Disk("/x", mount_point="/data"), 2),
    "no mount point": lambda fake: fake.hot_add_device("web1", DISK, Disk("/x"), 2),
    "a second root": lambda fake: fake.hot_add_device("web1", DISK, Disk("/x"), 0),
    "the same address": lambda fake: fake.hot_add_device("web1", NIC, Nic("none", mac=ETH0.mac), 1),
    "the same name": lambda fake: fake.hot_add_device("web1", NIC, Nic("none", name="eth0"), 1),
    "a disk as a nic": lambda fake: fake.hot_add_device("web1", NIC, MORE, 1),
    "a nic as a disk": lambda fake: fake.hot_add_device("web1", DISK, ETH1, 2),
    "no such place to remove": lambda fake: fake.hot_del_device("web1", DISK, DATA, 2),
    "another device there": lambda fake: fake.hot_del_device("web1", DISK, DATA, 0),
    "another interface there": lambda fake: fake.hot_del_device("web1", NIC, ETH1, 0),
    "the root below another disk": lambda fake: fake.hot_del_device("web1", DISK, ROOT, 0),
    "no such place to change": lambda fake: fake.hot_mod_device("web1", NIC, ETH0, 1),
    "changed into another": lambda fake: fake.hot_mod_device("web1", DISK, Disk(ROOT.path, mount_point="/data"), 1),
    "no such disk": lambda fake: fake.resize_disk("web1", MORE, 2**30),
    "no size": lambda fake: fake.resize_disk("web1", ROOT, 0),
    "shrunk": lambda fake: fake.resize_disk("web1", ROOT, 2**30 - 1),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_is_refused_and_changes_nothing(running: Any, place: Any, name: str) -> None:
    running.resize_disk("web1", ROOT, 2**30)
    before = {path.name: path.read_text() for path in place.directory().glob("*.json")}
    with pytest.raises(HotplugError) as caught:
        WRONG[name](running)
    assert caught.value.resolution
    assert caught.value.instance == "web1"
    assert {path.name: path.read_text() for path in place.directory().glob("*.json")} == before


def test_a_disk_grows_and_is_forgotten_when_it_goes(running: Any) -> None:
    for size_bytes in (2**20, 2**30, 2**30):
        running.resize_disk("web1", DATA, size_bytes)
    running.hot_del_device("web1", DISK, DATA, 1)
    running.hot_add_device("web1", DISK, DATA, 1)
    running.resize_disk("web1", DATA, 1)  # it may be another disk by now


def test_support_is_there_while_it_runs(running: Any, instance: Make) -> None:
    running.pause_instance("web1")
    running.hotplug_supported("web1")
    for action in DeviceAction:
        for device_type in DeviceType:
            running.verify_hotplug_support("web1", action, device_type)
    running.stop_instance("web1", force=True)
    for verb in (
        lambda: running.hotplug_supported(instance()),
        lambda: running.verify_hotplug_support(instance(), DeviceAction.ADD, DISK),
        lambda: running.hot_add_device(instance(), DISK, MORE, 0),
        lambda: running.resize_disk(instance(disks=[ROOT]), ROOT, 1),
    ):
        with pytest.raises(HotplugError, match="does not run"):
            verb()


@pytest.mark.parametrize("damage", ["lost", "torn"])
def test_without_a_definition_nothing_is_changed(running: Any, place: Any, damage: str) -> None:
    file = place.directory() / "definition.json"
    file.unlink() if damage == "lost" else file.write_text("{")
    definition = running.prepare_instance
    from hvcore import Instance

    with pytest.raises(HotplugError, match="definition"):
        running.hot_add_device(definition(Instance("web1", "fake")), DISK, MORE, 0)


@pytest.mark.parametrize("moment", ["begin", "done"])
def test_a_change_that_fails_is_taken_back(running: Any, place: Any, moment: str) -> None:
    def observe(step: str, seen: str) -> None:
        if (step, seen) == ("hot-add", moment):
            raise OSError(5, "Input/output error")

    faulty = place.hypervisor(observe)
    with pytest.raises(Exception, match="Input/output error") as caught:
        faulty.hot_add_device("web1", DISK, MORE, 2)
    assert (caught.value.step, caught.value.undone) == ("hot-add", ("hot-add",))
    assert devices(running)[0] == ["/srv/web1", "/srv/data"]
