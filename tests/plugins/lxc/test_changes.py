"""What a new definition would change of a running container, as a pure function."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from hvcore.model.disk import BlockDevice, Disk
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic, NicMode
from hvcore.model.plan import Change, ChangePlan, Effect
from hvcore_lxc.changes import configuration_changes, definition_changes
from hvcore_lxc.config_text import parse
from hvcore_lxc.steps import Definition

ROOT, DATA = Disk("/srv/web1"), Disk("/srv/data", mount_point="/data")
WEB1 = Instance("web1", "lxc", memory_mib=64, parameters={"num_ttys": 2}, disks=(ROOT,))
BALLOON = frozenset({"balloon_instance_memory"})
EVERYTHING = BALLOON | {"hot_add_device", "hot_del_device", "hot_mod_device"}
RESTART = "hv stop web1, then hv start"


def definition(**changes: Any) -> Definition:
    instance = evolve(WEB1, **changes)
    return Definition(instance, tuple(BlockDevice(disk, disk.path) for disk in instance.disks))


def between(operations: frozenset[str] = BALLOON, **changes: Any) -> tuple[Change, ...]:
    return definition_changes(definition(), definition(**changes), operations)


def test_the_same_definition_changes_nothing() -> None:
    assert between() == ()


def test_memory_changes_live_where_it_can() -> None:
    assert between(memory_mib=96) == (Change("backend.memory_mib", "64", "96", Effect.LIVE, "hv balloon web1 96"),)
    (change,) = between(frozenset(), memory_mib=96)
    assert (change.effect, change.how) == (Effect.RESTART, RESTART)


@pytest.mark.parametrize(
    ("changes", "key", "before", "after"),
    [
        ({"vcpus": 2}, "backend.vcpus", "1", "2"),
        ({"parameters": {"num_ttys": 4}}, "parameters.num_ttys", "2", "4"),
        ({"parameters": {"num_ttys": 2, "init": "/sbin/init"}}, "parameters.init", "", "/sbin/init"),
        ({"parameters": {"num_ttys": 2, "devices": ("a",)}}, "parameters.devices", "", '["a"]'),
        ({"tags": ("x",)}, "tags", "[]", '["x"]'),
    ],
)
def test_anything_else_needs_a_restart(changes: dict[str, Any], key: str, before: str, after: str) -> None:
    assert between(EVERYTHING, **changes) == (Change(key, before, after, Effect.RESTART, RESTART),)


def test_devices_change_live_where_the_driver_can() -> None:
    nic = Nic(NicMode.NONE)
    for operations, effect in ((BALLOON, Effect.RESTART), (EVERYTHING, Effect.LIVE)):
        (added,) = between(operations, disks=(ROOT, DATA))
        assert (added.key, added.before, added.effect) == ("disks[1]", "", effect)
        (nic_added,) = between(operations, nics=(nic,))
        assert (nic_added.key, nic_added.effect) == ("nics[0]", effect)
        (removed,) = definition_changes(definition(nics=(nic,)), definition(), operations)
        assert (removed.after, removed.effect) == ("", effect)


def test_the_root_never_changes_live() -> None:
    (change,) = between(EVERYTHING, disks=(Disk("/srv/other"),))
    assert (change.key, change.effect) == ("disks[0]", Effect.RESTART)


def test_another_device_behind_the_same_disk() -> None:
    running = definition()
    moved = evolve(running, block_devices=(BlockDevice(ROOT, "/dev/loop7"),))
    assert definition_changes(running, moved, EVERYTHING) == (
        Change("disks[0].device", "/srv/web1", "/dev/loop7", Effect.RESTART, RESTART),
    )


def test_a_configuration_that_is_rendered_otherwise_today() -> None:
    before, after = parse("lxc.tty.max = 1\nlxc.cap.drop = chown\n"), parse("lxc.tty.max = 1\nlxc.cap.drop = kill\n")
    assert configuration_changes(before, before, "web1") == ()
    assert configuration_changes(before, after, "web1") == (
        Change("lxc.cap.drop", "chown", "kill", Effect.RESTART, RESTART),
    )


def test_a_plan_knows_whether_a_restart_is_needed() -> None:
    live, restart = between(memory_mib=96), between(vcpus=2)
    assert not ChangePlan("lxc", "web1", live).needs_restart
    assert ChangePlan("lxc", "web1", live + restart).needs_restart
    data = ChangePlan("lxc", "web1", live, {"/x": "-a\n+b\n"}).to_dict()
    assert data["changes"][0]["effect"] == "live"
    assert data["needs_restart"] is False
