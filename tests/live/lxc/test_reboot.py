"""Rebooting: by hvcore, which needs no sys_boot, and by the guest itself, which does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import NotRunning, OperationFailed, StopTimeout
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.model.state import InstanceState
from hvcore.system.mountinfo import mounts_below, read_mounts
from hvcore.testing.faults import FailAt
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.steps import STEPS

pytestmark = pytest.mark.live

Running = Callable[..., Instance]


def mounts_of(paths: LxcPaths, name: str) -> list[tuple[int, str]]:
    return [(mount.mount_id, mount.mount_point) for mount in mounts_below(read_mounts(), str(paths.root(name)))]


def test_a_reboot_keeps_the_mounts_and_the_definition(
    lxc: Hypervisor, running: Running, paths: LxcPaths, busybox_root: Any, own_directory: Path, kernel: Any
) -> None:
    root = busybox_root()
    (own_directory / "data").mkdir()
    instance = running(
        disks=[Disk(str(root)), Disk(str(own_directory / "data"), mount_point="/srv/data")], memory_mib=48
    )
    before, mounts = lxc.get_instance_info(instance.name), mounts_of(paths, instance.name)
    assert len(mounts) == 2
    lxc.exec_in_instance(instance.name, ["sh", "-c", "echo kept > /srv/data/file; echo kept > /file"])
    lxc.reboot_instance(instance.name)
    after = lxc.get_instance_info(instance.name)
    assert before is not None
    assert after is not None
    assert after.pid != before.pid
    assert (after.state, after.memory_mib) == (InstanceState.RUNNING, 48)
    assert not kernel.is_alive(before.pid)
    assert mounts_of(paths, instance.name) == mounts
    read = lxc.exec_in_instance(instance.name, ["cat", "/srv/data/file", "/file"])
    assert read.stdout == b"kept\nkept\n"


def test_sys_boot_is_not_needed(lxc: Hypervisor, running: Running) -> None:
    instance = running(drop_capabilities=("sys_boot",))
    before = lxc.get_instance_info(instance.name)
    for _ in range(3):
        lxc.reboot_instance(instance)
    after = lxc.get_instance_info(instance.name)
    assert before is not None
    assert after is not None
    assert before.pid != after.pid


def test_a_guest_that_does_not_shut_down_runs_on(lxc: Hypervisor, running: Running) -> None:
    instance = running(init="/sbin/deaf", shutdown_timeout=0)
    before = lxc.get_instance_info(instance.name)
    with pytest.raises(StopTimeout) as caught:
        lxc.reboot_instance(instance.name)
    assert caught.value.operation == "reboot_instance"
    after = lxc.get_instance_info(instance.name)
    assert before is not None
    assert after is not None
    assert before.pid == after.pid


def test_what_does_not_run_is_not_rebooted(lxc: Hypervisor, lxc_host: LiveHost) -> None:
    with pytest.raises(NotRunning):
        lxc.reboot_instance(lxc_host.instance())


def test_a_reboot_thaws_a_paused_guest(lxc: Hypervisor, running: Running) -> None:
    instance = running()
    lxc.pause_instance(instance.name)
    lxc.reboot_instance(instance.name)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert info.state is InstanceState.RUNNING


def test_a_reboot_works_when_the_journal_was_lost(
    lxc: Hypervisor, running: Running, paths: LxcPaths, leak_check: Any
) -> None:
    instance = running()
    (paths.instance_dir(instance.name) / "journal").unlink()
    lxc.reboot_instance(instance.name)
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()


def test_a_guest_that_reboots_itself_is_found_again(
    lxc: Hypervisor, running: Running, kernel: Any, paths: LxcPaths, until: Any, leak_check: Any
) -> None:
    """Between its two lives it has no process; nobody may take that for its end."""
    instance = running(drop_capabilities=("sys_admin",), paused=True)
    lxc.resume_instance(instance.name)
    pids = set()
    for _ in range(3):
        info = lxc.get_instance_info(instance.name)
        assert info is not None
        pids.add(info.pid)
        lxc.exec_in_instance(instance.name, ["reboot", "-f"])
        # Each of these looks at the instance at once, some before it has its new processes.
        lxc.pause_instance(instance.name)
        lxc.resume_instance(instance.name)
        assert lxc.recover().recoveries == ()
        until(lambda: (now := lxc.get_instance_info(instance.name)) and now.pid not in {*pids, None})
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert kernel.status(info.pid, "NSpid").split()[-1] == "1"
    assert len(pids) == 3
    lxc.stop_instance(instance.name, timeout_s=20)
    leak_check.check()


@pytest.mark.parametrize("moment", ["undo", "undone", "begin", "done"])
def test_a_reboot_that_fails_leaves_nothing_half_done(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, leak_check: Any, moment: str
) -> None:
    instance = running()

    faulty = lxc_host.load(prepare=FailAt(("container", moment)).prepare)
    with pytest.raises(OperationFailed, match="injected at container") as caught:
        faulty.reboot_instance(instance.name)
    error = caught.value
    assert (error.step, error.operation) == ("container", "reboot_instance")
    assert error.resolution
    assert lxc.list_instances() == ()
    if moment in {"begin", "done"}:
        assert error.undone == tuple(reversed(STEPS))
        assert "start it again" in error.resolution
        leak_check.check()
    lxc.start_instance(instance)
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()
