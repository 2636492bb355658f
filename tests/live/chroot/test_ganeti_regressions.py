"""Defects of Ganeti's ChrootManager: each of these would fail there.

Source: Ganeti 2.6 to 3.1, ``lib/hypervisor/hv_chroot.py``.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from hvcore.errors import CommandFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.model.node import Node
from hvcore.system.mountinfo import mount_at, mounts_below, read_mounts
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck
from hvcore_chroot.paths import ChrootPaths

pytestmark = pytest.mark.live

Start = Callable[..., Instance]


@pytest.mark.parametrize("force", [False, True])
def test_a_running_one_can_be_stopped(chroot: Hypervisor, start: Start, leak_check: LeakCheck, force: bool) -> None:
    """There the command of the soft path is None, the value of list.extend; not even force helps."""
    chroot.stop_instance(start("lazy"), force=force)
    leak_check.check()


def test_the_parameter_names_the_script_that_stops(chroot: Hypervisor, start: Start, log: Callable[[str], str]) -> None:
    """There it is /ganeti-chroot whatever init_script says."""
    instance = start("counts")
    chroot.stop_instance(instance)
    assert log(instance.name).endswith("stopped\n")


def test_a_failed_start_does_not_leave_the_root_mounted(
    start: Start, chroot_host: LiveHost, paths: ChrootPaths, leak_check: LeakCheck
) -> None:
    with pytest.raises(CommandFailed):
        start("fails-start")
    assert mount_at(read_mounts(), str(paths.root(chroot_host.instance().name))) is None
    leak_check.check()


def test_the_console_does_not_ask_this_machine(chroot: Hypervisor, chroot_host: LiveHost) -> None:
    """There the job's machine must have the root mounted, whichever node the instance is on."""
    console = chroot.get_instance_console(chroot_host.instance(), Node("another-node"))
    assert (console.host, console.command[0]) == ("another-node", "chroot")


def test_unmounting_one_leaves_those_with_a_longer_name_alone(
    chroot: Hypervisor, start: Start, paths: ChrootPaths
) -> None:
    """There sub-mounts are found by the prefix of their text."""
    one, ten = start("mounts", "inst1"), start("mounts", "inst10")
    before = mounts_below(read_mounts(), str(paths.root(ten.name)))
    chroot.stop_instance(one)
    assert mounts_below(read_mounts(), str(paths.root(ten.name))) == before


def test_who_uses_the_same_file_system_is_neither_counted_nor_ended(
    chroot: Hypervisor, start: Start, chroot_host: LiveHost
) -> None:
    """There ``fuser -k -m`` ends all processes of the file system, which for a directory is the node's own."""
    instance = start("deaf", term_timeout=0)
    bystander = subprocess.Popen(["sleep", "86400"], cwd=chroot_host.root)
    try:
        chroot.stop_instance(instance)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_info_of_one_that_is_down_is_none_and_no_error(chroot: Hypervisor, chroot_host: LiveHost) -> None:
    """There it raised until 3.1, so that nothing could be started."""
    assert chroot.get_instance_info(chroot_host.instance().name) is None


def test_a_mounted_root_without_processes_is_down_and_the_next_start_puts_it_in_order(
    chroot: Hypervisor, start: Start, paths: ChrootPaths, pids: Any, until: Any
) -> None:
    instance = start("lazy")
    os.kill(pids(instance.name)[0], 9)
    until(lambda: pids(instance.name) == [])
    assert mount_at(read_mounts(), str(paths.root(instance.name))) is not None
    assert chroot.list_instances() == ()
    start("lazy")
    assert len([m for m in read_mounts() if m.mount_point == str(paths.root(instance.name))]) == 1


def test_a_reboot_is_one(chroot: Hypervisor, start: Start, pids: Any) -> None:
    """There it is an error."""
    instance = start("orderly")
    before = pids(instance.name)
    chroot.reboot_instance(instance)
    assert set(before).isdisjoint(pids(instance.name))


def test_memory_processes_and_time_are_told(chroot: Hypervisor, start: Start) -> None:
    """There they are 0."""
    instance = start("orderly", memory_mib=48)
    info = chroot.get_instance_info(instance.name)
    assert info is not None
    assert (info.memory_mib, info.vcpus, info.processes) == (48, 1, 1)
