"""Stopping: the script first, SIGTERM for what it leaves, SIGKILL for what is left then; the root last."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import CommandFailed, DeviceBusy, OperationFailed, StopTimeout
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck
from hvcore_chroot.paths import ChrootPaths

pytestmark = pytest.mark.live

Start = Callable[..., Instance]
Pids = Callable[[str], list[int]]
Log = Callable[[str], str]


def test_the_script_is_run_with_stop_and_nothing_is_left(
    chroot: Hypervisor, start: Start, log: Log, leak_check: LeakCheck
) -> None:
    instance = start("orderly")
    chroot.stop_instance(instance)
    assert log(instance.name) == "up\ngoing down\n"
    assert chroot.list_instances() == ()
    leak_check.check()


def test_by_name_alone(chroot: Hypervisor, start: Start, log: Log, leak_check: LeakCheck) -> None:
    instance = start("orderly")
    chroot.stop_instance(name=instance.name)
    assert log(instance.name) == "up\ngoing down\n"
    leak_check.check()


def test_what_the_script_leaves_gets_sigterm(chroot: Hypervisor, start: Start, leak_check: LeakCheck) -> None:
    instance = start("daemon")
    began = time.monotonic()
    chroot.stop_instance(instance)
    assert time.monotonic() - began < 9, "it was not asked, but waited for"
    leak_check.check()


def test_what_ignores_sigterm_is_ended_when_its_time_is_up(
    chroot: Hypervisor, start: Start, leak_check: LeakCheck
) -> None:
    instance = start("deaf", term_timeout=1)
    began = time.monotonic()
    chroot.stop_instance(instance)
    assert time.monotonic() - began >= 1
    leak_check.check()


def test_a_stop_that_runs_out_of_time_says_so_and_ends_nothing(
    chroot: Hypervisor, start: Start, pids: Pids, leak_check: LeakCheck
) -> None:
    instance = start("deaf")
    before = pids(instance.name)
    with pytest.raises(StopTimeout, match=r"still runs 0\.2 s after it was asked") as caught:
        chroot.stop_instance(instance, timeout_s=0.2)
    assert f"process {before[0]} (sh)" in caught.value.details[0]
    assert "--force" in (caught.value.resolution or "")
    assert before[0] in pids(instance.name)
    assert chroot.recover().recoveries == ()
    chroot.stop_instance(instance, force=True)
    leak_check.check()


@pytest.mark.parametrize("timeout_s", [0.2, None])
def test_a_script_that_hangs_is_ended_and_the_guest_runs_on(
    chroot: Hypervisor, start: Start, pids: Pids, leak_check: LeakCheck, timeout_s: float | None
) -> None:
    instance = start("hangs-stop", shutdown_timeout=1)
    before = pids(instance.name)
    with pytest.raises(StopTimeout, match=r"/sbin/hangs-stop stop did not end within") as caught:
        chroot.stop_instance(instance, timeout_s=timeout_s)
    assert caught.value.details[0] == "I wait"
    assert pids(instance.name) == before
    chroot.stop_instance(instance, retry=True)
    leak_check.check()


def test_a_script_that_fails_is_heard_while_something_runs(
    chroot: Hypervisor, start: Start, pids: Pids, log: Log, leak_check: LeakCheck
) -> None:
    instance = start("fails-stop")
    with pytest.raises(CommandFailed, match=r"/sbin/fails-stop stop exited with status 4") as caught:
        chroot.stop_instance(instance)
    assert (caught.value.details, caught.value.instance) == (("cannot stop",), instance.name)
    assert "--force" in (caught.value.resolution or "")
    assert len(pids(instance.name)) == 1
    # The second call of one shutdown does not ask the script again.
    chroot.stop_instance(instance, retry=True)
    assert log(instance.name) == "cannot stop\n"
    leak_check.check()


def test_a_script_that_fails_after_its_work_is_forgiven(
    chroot: Hypervisor, start: Start, leak_check: LeakCheck
) -> None:
    chroot.stop_instance(start("stops-and-fails"))
    leak_check.check()


@pytest.mark.parametrize("script", ["orderly", "deaf", "hangs-stop", "fails-stop", "daemon", "mounts"])
def test_by_force_nothing_is_asked(
    chroot: Hypervisor, start: Start, log: Log, leak_check: LeakCheck, script: str
) -> None:
    instance = start(script)
    before = log(instance.name)
    chroot.stop_instance(instance, force=True)
    assert log(instance.name) == before
    leak_check.check()


@pytest.mark.parametrize("force", [False, True])
def test_what_forks_without_end_is_ended(chroot: Hypervisor, start: Start, leak_check: LeakCheck, force: bool) -> None:
    # At most 2000 of them, for the sake of the node.
    chroot.stop_instance(start("breeds", term_timeout=0), force=force)
    leak_check.check()


def test_a_forced_stop_overtakes_one_that_waits(
    chroot: Hypervisor, chroot_host: LiveHost, start: Start, log: Log, in_child: Any, until: Any, leak_check: LeakCheck
) -> None:
    instance = start("deaf-hangs")
    waiting = in_child(lambda: chroot_host.load().stop_instance(instance))
    until(lambda: "thinking" in log(instance.name))
    chroot.stop_instance(instance, force=True)
    assert waiting.wait() == 0, "a stop that was overtaken has what it wanted"
    leak_check.check()


def test_a_stop_that_was_overtaken_does_not_end_the_next_start(
    chroot: Hypervisor, chroot_host: LiveHost, start: Start, log: Log, pids: Pids, in_child: Any, until: Any
) -> None:
    instance = start("deaf-hangs")
    waiting = in_child(lambda: chroot_host.load().stop_instance(instance))
    until(lambda: "thinking" in log(instance.name))
    with chroot.context.locks.hold(instance.name, "test"):
        # Under one lock, as the waiting one must find it: ended, and started again.
        driver: Any = chroot.scope.members[-1].implementation
        driver.stop_instance(None, instance.name, True, False, None)
        driver.start_instance(
            chroot.prepare_instance(instance), chroot_devices(chroot.prepare_instance(instance)), False
        )
    before = pids(instance.name)
    assert waiting.wait() == 0
    assert set(before) <= set(pids(instance.name))


def chroot_devices(instance: Instance) -> Any:
    from hvcore.model.disk import BlockDevice

    return tuple(BlockDevice(disk=disk, path=disk.path) for disk in instance.disks)


def test_mounts_of_the_guest_come_off_too(
    chroot: Hypervisor, start: Start, paths: ChrootPaths, leak_check: LeakCheck
) -> None:
    instance = start("mounts")
    assert "/mnt/deep " in Path("/proc/self/mountinfo").read_text()
    subprocess.run(["mount", "-t", "tmpfs", "admin", f"{paths.root(instance.name)}/tmp"], check=True)
    chroot.stop_instance(instance)
    leak_check.check()


def test_mounts_of_the_guest_on_the_system_mounts_come_off_too(
    chroot: Hypervisor, start: Start, leak_check: LeakCheck
) -> None:
    chroot.stop_instance(start("mounts-on-proc"), force=True)
    leak_check.check()


def test_processes_that_went_deeper_are_ended(
    chroot: Hypervisor, start: Start, pids: Pids, paths: ChrootPaths, leak_check: LeakCheck, until: Any
) -> None:
    instance = start("deeper")
    [pid] = pids(instance.name)
    until(lambda: os.readlink(f"/proc/{pid}/root") == f"{paths.root(instance.name)}/deep")
    assert chroot.list_instances() == (instance.name,)
    chroot.stop_instance(instance)
    leak_check.check()


def test_processes_in_a_mount_namespace_of_their_own_are_ended(
    chroot: Hypervisor, start: Start, leak_check: LeakCheck
) -> None:
    instance = start("unshares")
    assert chroot.list_instances() == (instance.name,)
    chroot.stop_instance(instance)
    leak_check.check()


def test_what_an_administrator_has_put_there_is_ended(
    chroot: Hypervisor, start: Start, admin: Any, pids: Pids, until: Any
) -> None:
    instance = start("orderly")
    shell = admin(instance.name, "sleep", "86400")
    until(lambda: shell.pid in pids(instance.name))
    chroot.stop_instance(instance)
    assert shell.wait(10) < 0


def test_who_only_looks_into_the_root_is_named_and_not_ended(
    chroot: Hypervisor, start: Start, paths: ChrootPaths, leak_check: LeakCheck
) -> None:
    instance = start("orderly")
    looking = subprocess.Popen(["sleep", "86400"], cwd=paths.root(instance.name))
    try:
        with pytest.raises(DeviceBusy, match=rf"sleep\[{looking.pid}\]") as caught:
            chroot.stop_instance(instance, force=True)
        assert caught.value.step == "mount"
        assert chroot.list_instances() == ()
        assert looking.poll() is None
    finally:
        looking.kill()
        looking.wait()
    chroot.cleanup_instance(instance.name)
    leak_check.check()


def test_the_root_directory_keeps_what_it_holds(
    chroot: Hypervisor, start: Start, busybox_root: Callable[[], Path]
) -> None:
    root = busybox_root()
    instance = start("orderly", disks=[Disk(str(root))])
    chroot.exec_in_instance(instance.name, ["touch", "/kept"])
    chroot.stop_instance(instance)
    assert (root / "kept").exists()
    assert sorted(os.listdir(root / "proc")) == []


def test_stop_and_cleanup_any_number_of_times(chroot: Hypervisor, start: Start, leak_check: LeakCheck) -> None:
    instance = start()
    for _ in range(2):
        chroot.stop_instance(instance)
        chroot.cleanup_instance(instance.name)
    chroot.stop_instance(instance, force=True)
    leak_check.check()


def test_cleanup_is_refused_while_something_runs(
    chroot: Hypervisor, start: Start, pids: Pids, leak_check: LeakCheck
) -> None:
    instance = start()
    with pytest.raises(OperationFailed, match="runs, so it is not cleaned up: 1 process") as caught:
        chroot.cleanup_instance(instance.name)
    assert caught.value.details == (f"process {pids(instance.name)[0]}",)
    chroot.stop_instance(instance)
    leak_check.check()


def test_an_instance_whose_processes_have_ended_is_down_and_can_be_started(
    chroot: Hypervisor, start: Start, pids: Pids, until: Any, leak_check: LeakCheck
) -> None:
    instance = start("lazy")
    os.kill(pids(instance.name)[0], 9)
    until(lambda: chroot.list_instances() == ())
    assert chroot.get_instance_info(instance.name) is None
    start("lazy")
    os.kill(pids(instance.name)[0], 9)
    until(lambda: chroot.list_instances() == ())
    [recovery] = chroot.recover().recoveries
    assert (recovery.instance, recovery.found) == (instance.name, "an instance whose guest has ended")
    leak_check.check()


@pytest.mark.usefixtures("needs_freezer")
@pytest.mark.parametrize("force", [False, True])
def test_a_paused_one_is_stopped(
    chroot: Hypervisor, start: Start, log: Log, leak_check: LeakCheck, force: bool
) -> None:
    instance = start("orderly")
    chroot.pause_instance(instance)
    chroot.stop_instance(instance, force=force)
    assert log(instance.name) == ("up\n" if force else "up\ngoing down\n")
    leak_check.check()
