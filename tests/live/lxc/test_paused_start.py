"""Starting paused: the guest's init is there, and has not run one instruction."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import CommandFailed, OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.model.state import InstanceState
from hvcore.plugin import hookimpl
from hvcore.system.commands import Handle, Runner
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.cgroups import DefaultCgroups
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]
EXECVE = {"x86_64": 59, "aarch64": 221}


def test_init_is_frozen_before_its_first_instruction(lxc: Hypervisor, running: Running, kernel: Any) -> None:
    instance = running(paused=True)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert info.state is InstanceState.PAUSED
    assert kernel.value(info.pid, "freezer", "freezer.state") == "FROZEN"
    ticks = Path(f"/proc/{info.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    assert ticks == ["0", "0"]
    # The exec has been made, its program is the guest's, and the process has not come back from the call.
    assert os.readlink(f"/proc/{info.pid}/exe").endswith("/bin/busybox")
    call = Path(f"/proc/{info.pid}/syscall").read_text().split()[0]
    if platform.machine() in EXECVE:
        assert call in {str(EXECVE[platform.machine()]), "-1"}
    assert kernel.value(info.pid, "freezer", "cgroup.procs").split() == [str(info.pid)]


def test_nothing_of_the_guest_has_happened(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, busybox_root: Any, until: Any
) -> None:
    root = busybox_root()
    (root / "sbin/quick").write_text(
        "#!/bin/sh\necho ran > /ran\ntrap 'exit 0' USR2\nwhile :; do sleep 9 & wait $!; done\n"
    )
    (root / "sbin/quick").chmod(0o755)
    instance = running(paused=True, disks=[Disk(str(root))])
    pid = lxc.get_instance_info(instance.name).pid  # type: ignore[union-attr]
    assert not (root / "ran").exists()
    lxc.resume_instance(instance.name)
    until((root / "ran").exists)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert (info.pid, info.state) == (pid, InstanceState.RUNNING)
    assert lxc.exec_in_instance(instance.name, ["cat", "/proc/1/comm"]).stdout.strip() in {b"quick", b"sh"}


def test_the_gate_leaves_nothing_in_the_guest_or_on_disk(
    lxc: Hypervisor, running: Running, paths: LxcPaths, busybox_root: Any
) -> None:
    root = busybox_root()
    before = sorted(str(path) for path in root.rglob("*"))
    instance = running(paused=True, disks=[Disk(str(root))], init="")
    assert not paths.gate(instance.name).exists()
    lxc.stop_instance(instance.name, force=True)
    assert sorted(str(path) for path in root.rglob("*")) == before


def test_a_paused_instance_is_ended_by_force(lxc: Hypervisor, running: Running, leak_check: Any) -> None:
    instance = running(paused=True)
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()


def test_one_that_was_started_paused_can_be_rebooted(lxc: Hypervisor, running: Running) -> None:
    instance = running(paused=True)
    lxc.resume_instance(instance.name)
    before = lxc.get_instance_info(instance.name)
    lxc.reboot_instance(instance.name)
    after = lxc.get_instance_info(instance.name)
    assert before is not None
    assert after is not None
    assert after.pid != before.pid
    assert after.state is InstanceState.RUNNING


def test_a_paused_start_whose_init_is_missing_says_so(lxc: Hypervisor, lxc_host: LiveHost, leak_check: Any) -> None:
    with pytest.raises(OperationFailed) as caught:
        lxc.start_instance(lxc_host.instance(init="/sbin/nothing"), startup_paused=True)
    assert any("/sbin/nothing" in line for line in caught.value.details), caught.value.explain()
    leak_check.check()


def test_a_paused_start_that_lxc_refuses_says_so(lxc: Hypervisor, lxc_host: LiveHost, leak_check: Any) -> None:
    refused = lxc_host.instance(extra_config="lxc.prlimit.nofile = many", init="/sbin/quick")
    with pytest.raises(CommandFailed) as caught:
        lxc.start_instance(refused, startup_paused=True)
    assert caught.value.status == 1
    leak_check.check()


class DiesWhenItFreezes(DefaultCgroups):
    """The moment when init is held at its exec, and nobody but the manager keeps it there."""

    def freeze(self, instance_name: str) -> None:
        os.kill(os.getpid(), 9)


class DiesAfterSpawning(Runner):
    def spawn(self, argv: Any, **options: Any) -> Handle:
        super().spawn(argv, **options)
        os.kill(os.getpid(), 9)
        raise AssertionError


@pytest.mark.parametrize("moment", ["held at the exec", "lxc-start has just begun"])
@pytest.mark.parametrize("follower", ["recover", "start"])
def test_a_manager_killed_at_the_gate_leaves_no_running_guest(
    lxc: Hypervisor,
    lxc_host: LiveHost,
    paths: LxcPaths,
    busybox_root: Any,
    in_child: Any,
    leak_check: Any,
    moment: str,
    follower: str,
) -> None:
    root = busybox_root()
    (root / "sbin/tell").write_text("#!/bin/sh\necho ran > /ran\nexec sleep 86400\n")
    (root / "sbin/tell").chmod(0o755)
    instance = lxc_host.instance(disks=[Disk(str(root))], init="/sbin/tell")

    class Killer:
        @hookimpl
        def lxc_cgroups(self) -> DefaultCgroups:
            return DiesWhenItFreezes(paths)

    from attrs import evolve

    def manage() -> None:
        if moment == "held at the exec":
            manager = lxc_host.load(extensions=[Killer()])
        else:
            manager = lxc_host.load(prepare=lambda context: evolve(context, runner=DiesAfterSpawning()))
        manager.start_instance(instance, startup_paused=True)

    assert in_child(manage).wait() == -9
    if follower == "recover":
        report = lxc.recover(instance.name)
        assert report.is_clean
        assert [recovery.instance for recovery in report.recoveries] == [instance.name]
    else:
        lxc.start_instance(lxc_host.instance(init="/sbin/quick"))
        assert lxc.list_instances() == (instance.name,)
        lxc.stop_instance(instance.name, force=True)
    assert not (root / "ran").exists()
    leak_check.check()
