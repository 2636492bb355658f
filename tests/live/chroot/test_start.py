"""Starting: the root is mounted, the script runs in it, and what it leaves is the instance."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import AlreadyRunning, CommandFailed, CommandTimeout, InvalidParameter, OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.model.state import InstanceState
from hvcore.system.mountinfo import mounts_below, read_mounts
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck
from hvcore_chroot.paths import ChrootPaths
from hvcore_chroot.steps import STEPS

pytestmark = pytest.mark.live

Start = Callable[..., Instance]
Pids = Callable[[str], list[int]]
Log = Callable[[str], str]


def test_the_script_runs_in_its_root_and_what_it_leaves_is_the_instance(
    chroot: Hypervisor, start: Start, pids: Pids, log: Log, paths: ChrootPaths
) -> None:
    instance = start("counts")
    assert chroot.list_instances() == (instance.name,)
    [pid] = pids(instance.name)
    assert os.readlink(f"/proc/{pid}/root") == str(paths.root(instance.name))
    assert os.readlink(f"/proc/{pid}/cwd") == str(paths.root(instance.name))
    assert log(instance.name) == f"started as {instance.name}\n"
    assert oct(paths.console_log(instance.name).stat().st_mode & 0o777) == "0o600"


def test_the_script_gets_one_word_and_a_clean_environment(
    chroot: Hypervisor, start: Start, pids: Pids, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_MANAGER", "x")
    instance = start("two-words")
    assert log(instance.name) == "1 start\n"
    [pid] = pids(instance.name)
    names = {line.split(b"=")[0].decode() for line in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") if line}
    assert (
        {"PATH", "HOME", "TERM", "HVCORE_INSTANCE"}
        <= names
        <= {"PATH", "HOME", "TERM", "HVCORE_INSTANCE", "PWD", "SHLVL"}
    )
    assert not [fd for fd in os.listdir(f"/proc/{pid}/fd") if int(fd) > 2]


def test_the_file_systems_that_were_wanted_are_there(chroot: Hypervisor, start: Start, paths: ChrootPaths) -> None:
    instance = start()
    root = str(paths.root(instance.name))
    mounts = {m.mount_point.removeprefix(root): m for m in mounts_below(read_mounts(), root)}
    assert {point: mount.fs_type for point, mount in mounts.items() if point} == {
        "/proc": "proc",
        "/sys": "sysfs",
        "/dev": "tmpfs",
        "/dev/pts": "devpts",
    }
    assert mounts["/sys"].is_read_only
    assert all(mount.propagation == () for mount in mounts.values())
    done = chroot.exec_in_instance(
        instance.name,
        ["sh", "-c", "echo x > /dev/null && head -c 3 /dev/zero | wc -c && ls /dev/pts && test -c /dev/ptmx"],
    )
    assert (done.exit_status, done.stdout) == (0, b"3\nptmx\n")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [((), set()), (("proc",), {"/proc"}), (("devpts", "proc", "dev"), {"/proc", "/dev", "/dev/pts"})],
)
def test_only_the_file_systems_that_were_wanted_are_there(
    start: Start, paths: ChrootPaths, wanted: tuple[str, ...], found: set[str]
) -> None:
    instance = start("lazy", system_mounts=wanted)
    root = str(paths.root(instance.name))
    points = {mount.mount_point.removeprefix(root) for mount in mounts_below(read_mounts(), root)}
    assert points == {"", *found}


def test_a_mount_point_that_is_missing_is_made_and_one_that_leads_elsewhere_is_refused(
    chroot: Hypervisor, start: Start, busybox_root: Callable[[], Path], leak_check: LeakCheck, tmp_path: Path
) -> None:
    root = busybox_root()
    (root / "proc").rmdir()
    chroot.stop_instance(start(disks=[Disk(str(root))]), force=True)
    assert (root / "proc").is_dir()
    (root / "sys").rmdir()
    (root / "sys").symlink_to(tmp_path)
    with pytest.raises(OperationFailed, match=r"leads over the symbolic link") as caught:
        start(disks=[Disk(str(root))])
    assert caught.value.step == "system-mounts"
    assert "leave sys out of parameter system_mounts" in (caught.value.resolution or "")
    assert list(tmp_path.iterdir()) == []


def test_a_running_one_is_not_started_again(chroot: Hypervisor, start: Start, pids: Pids) -> None:
    instance = start()
    before = pids(instance.name)
    with pytest.raises(AlreadyRunning, match="runs already"):
        chroot.start_instance(instance)
    assert pids(instance.name) == before


def test_a_script_that_fails_is_heard_and_everything_is_undone(start: Start, leak_check: LeakCheck) -> None:
    with pytest.raises(CommandFailed, match=r"/sbin/fails-start start exited with status 3") as caught:
        start("fails-start")
    error = caught.value
    assert (error.status, error.step, error.details) == (3, "script", ("no database",))
    assert (error.undone, error.left_behind) == (STEPS[::-1], ())
    assert "console.log" in (error.resolution or "")
    leak_check.check()


def test_a_script_that_does_not_end_is_ended_and_everything_is_undone(start: Start, leak_check: LeakCheck) -> None:
    with pytest.raises(CommandTimeout, match=r"did not end within 1 s and was ended") as caught:
        start("hangs-start", startup_timeout=1)
    assert caught.value.details == ("I wait",)
    assert "startup_timeout" in (caught.value.resolution or "")
    assert caught.value.undone == STEPS[::-1]
    leak_check.check()


@pytest.mark.parametrize("script", ["idle", "quits"])
def test_a_script_that_leaves_nothing_is_no_start(
    chroot: Hypervisor, start: Start, leak_check: LeakCheck, script: str
) -> None:
    with pytest.raises(OperationFailed, match="ended with 0 and left no process") as caught:
        start(script)
    assert (caught.value.code, caught.value.undone) == ("operation", STEPS[::-1])
    assert chroot.list_instances() == ()
    leak_check.check()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, r"^/sbin/mine is not in the root of "),
        (lambda path: path.mkdir(), r"^/sbin/mine in the root of \S+ is not a file$"),
        (lambda path: path.write_text("#!/bin/sh\n"), r"^/sbin/mine in the root of \S+ is not executable$"),
        (lambda path: path.symlink_to("/sbin/mine"), r"^/sbin/mine is not in the root of "),
        # The machine has this one, the guest has not.
        (lambda path: path.symlink_to("/usr/bin/dpkg"), r"^/sbin/mine is not in the root of "),
    ],
)
def test_a_script_that_cannot_be_run_is_named(
    start: Start, busybox_root: Callable[[], Path], leak_check: LeakCheck, make: Any, message: str
) -> None:
    root = busybox_root()
    make(root / "sbin" / "mine")
    with pytest.raises(OperationFailed, match=message) as caught:
        start("mine", disks=[Disk(str(root))])
    assert (caught.value.step, caught.value.left_behind) == ("script", ())
    assert "init_script" in (caught.value.resolution or "")
    leak_check.check()


def test_a_script_without_its_interpreter_is_explained(
    start: Start, busybox_root: Callable[[], Path], leak_check: LeakCheck
) -> None:
    root = busybox_root()
    (root / "sbin/perl").write_text("#!/usr/bin/perl\n")
    (root / "sbin/perl").chmod(0o755)
    with pytest.raises(CommandFailed, match="the program that its first line names, is not in the root") as caught:
        start("perl", disks=[Disk(str(root))])
    assert caught.value.status == 127
    leak_check.check()


def test_a_status_of_the_scripts_own_is_not_explained_away(start: Start, leak_check: LeakCheck) -> None:
    with pytest.raises(CommandFailed, match=r"/sbin/fails-with-127 start exited with status 127$") as caught:
        start("fails-with-127")
    assert caught.value.details == ("mine",)
    leak_check.check()


def test_a_script_behind_a_link_of_the_guest_runs(
    chroot: Hypervisor, start: Start, busybox_root: Callable[[], Path], log: Log
) -> None:
    root = busybox_root()
    (root / "sbin/mine").symlink_to("/../sbin/counts")
    instance = start("mine", disks=[Disk(str(root))])
    assert log(instance.name) == f"started as {instance.name}\n"


@pytest.mark.parametrize("path", ["", "ganeti-chroot", "/", "/sbin/../x", "/sbin/"])
def test_a_path_that_cannot_be_one_is_refused(start: Start, path: str) -> None:
    with pytest.raises(InvalidParameter, match="init_script"):
        start(init_script=path)


def test_the_log_tells_of_the_last_start_alone(chroot: Hypervisor, start: Start, log: Log) -> None:
    instance = start("counts")
    chroot.stop_instance(instance)
    assert log(instance.name) == f"started as {instance.name}\nstopped\n"
    start("counts")
    assert log(instance.name) == f"started as {instance.name}\n"


@pytest.mark.usefixtures("needs_freezer")
def test_a_paused_start_runs_nothing_of_the_guest_before_it_is_resumed(
    chroot: Hypervisor, start: Start, pids: Pids, log: Log, until: Any
) -> None:
    instance = start("counts", paused=True)
    info = chroot.get_instance_info(instance.name)
    assert info is not None
    assert (info.state, info.processes) == (InstanceState.PAUSED, 1)
    assert pids(instance.name) == []
    assert log(instance.name) == ""
    chroot.resume_instance(instance.name)
    until(lambda: log(instance.name) == f"started as {instance.name}\n")
    until(lambda: len(pids(instance.name)) == 1)
    assert chroot.list_instances() == (instance.name,)


@pytest.mark.usefixtures("needs_freezer")
@pytest.mark.parametrize("force", [False, True])
def test_a_paused_start_that_is_stopped_never_runs(
    chroot: Hypervisor, start: Start, log: Log, leak_check: LeakCheck, force: bool
) -> None:
    instance = start("counts", paused=True)
    chroot.stop_instance(instance, force=force)
    assert log(instance.name) == ""
    leak_check.check()


def test_a_definition_that_cannot_be_mounted_changes_nothing(
    chroot_host: LiveHost, start: Start, leak_check: LeakCheck, tmp_path: Path
) -> None:
    with pytest.raises(OperationFailed, match="cannot be used as a disk") as caught:
        start(disks=[Disk(str(tmp_path / "nothing"))])
    assert caught.value.undone == ()
    leak_check.check()
