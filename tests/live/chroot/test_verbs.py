"""Reboot, pause, exec, console, verify, plan, restore: the verbs between a start and a stop."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import CommandFailed, CommandTimeout, NotRunning, OperationFailed, StopTimeout, Unsupported
from hvcore.hypervisor import Hypervisor
from hvcore.model.capability import Support
from hvcore.model.files import AncillaryFiles
from hvcore.model.instance import Instance
from hvcore.model.node import Node
from hvcore.model.state import InstanceState
from hvcore.model.verify import VerifyStatus
from hvcore.system.mountinfo import mounts_below, read_mounts
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck, snapshot
from hvcore_chroot.paths import ChrootPaths

pytestmark = pytest.mark.live

Start = Callable[..., Instance]
Pids = Callable[[str], list[int]]
Log = Callable[[str], str]


# -- reboot ------------------------------------------------------------------------------------------------------------


def test_a_reboot_stops_and_starts_over_the_same_mounts(
    chroot: Hypervisor, start: Start, pids: Pids, paths: ChrootPaths, log: Log
) -> None:
    instance = start("orderly")
    [before] = pids(instance.name)
    mounts = mounts_below(read_mounts(), str(paths.root(instance.name)))
    chroot.reboot_instance(instance)
    [after] = pids(instance.name)
    assert after != before
    assert mounts_below(read_mounts(), str(paths.root(instance.name))) == mounts
    assert log(instance.name) == "up\n"
    assert chroot.recover().recoveries == ()


def test_a_reboot_ends_what_ignores_it(chroot: Hypervisor, start: Start, pids: Pids) -> None:
    instance = start("deaf", term_timeout=0)
    before = pids(instance.name)
    chroot.reboot_instance(instance)
    assert set(before).isdisjoint(pids(instance.name))


def test_a_reboot_of_a_guest_that_does_not_stop_leaves_it_running(chroot: Hypervisor, start: Start, pids: Pids) -> None:
    instance = start("hangs-stop", shutdown_timeout=1)
    before = pids(instance.name)
    with pytest.raises(StopTimeout):
        chroot.reboot_instance(instance)
    assert pids(instance.name) == before


def test_a_reboot_that_cannot_start_again_leaves_nothing(
    chroot: Hypervisor, start: Start, busybox_root: Callable[[], Path], leak_check: LeakCheck
) -> None:
    from hvcore.model.disk import Disk

    root = busybox_root()
    instance = start("orderly", disks=[Disk(str(root))])
    (root / "sbin/orderly").write_text(
        "#!/bin/sh\n[ $1 = stop ] && kill $(cat /dev/pid) && exit\necho broken >&2; exit 9\n"
    )
    with pytest.raises(CommandFailed, match="exited with status 9") as caught:
        chroot.reboot_instance(instance)
    assert (caught.value.details, caught.value.left_behind) == (("broken",), ())
    assert "the guest is down" in (caught.value.resolution or "")
    leak_check.check()


def test_a_reboot_needs_a_running_one(chroot: Hypervisor, start: Start) -> None:
    instance = start("orderly")
    chroot.stop_instance(instance)
    with pytest.raises(NotRunning):
        chroot.reboot_instance(instance)


# -- pause -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("needs_freezer")
def test_a_paused_one_stands_still_until_it_is_resumed(chroot: Hypervisor, start: Start, log: Log, until: Any) -> None:
    instance = start("orderly")
    ticking = "while :; do echo tick >> /dev/ticks; done"
    chroot.exec_in_instance(instance.name, ["sh", "-c", f"({ticking}) </dev/null >/dev/null 2>&1 &"])
    for _ in range(2):
        chroot.pause_instance(instance.name)
    info = chroot.get_instance_info(instance.name)
    assert info is not None
    assert info.state is InstanceState.PAUSED
    with pytest.raises(OperationFailed, match="is paused, so nothing can run in it"):
        chroot.exec_in_instance(instance.name, ["true"])
    used = info.cpu_seconds
    again = chroot.get_instance_info(instance.name)
    assert again is not None
    assert again.cpu_seconds == used
    for _ in range(2):
        chroot.resume_instance(instance.name)

    def now() -> float:
        info = chroot.get_instance_info(instance.name)
        assert info is not None
        assert info.state is InstanceState.RUNNING
        return info.cpu_seconds

    until(lambda: now() > used)


def test_pause_needs_a_running_one(chroot: Hypervisor, chroot_host: LiveHost) -> None:
    for verb in (chroot.pause_instance, chroot.resume_instance):
        with pytest.raises(NotRunning):
            verb(chroot_host.instance().name)


# -- exec and console --------------------------------------------------------------------------------------------------


def test_a_command_has_its_streams_status_and_surroundings(chroot: Hypervisor, start: Start) -> None:
    instance = start("orderly")
    script = 'cat; echo "$GREETING from $PWD" >&2; exit 7'
    done = chroot.exec_in_instance(
        instance.name,
        ["sh", "-c", script],
        stdin=b"in\0put",
        environment={"GREETING": "hello, $HOME"},
        working_directory="/etc",
    )
    assert (done.exit_status, done.stdout, done.stderr) == (7, b"in\0put", b"hello, $HOME from /etc\n")


@pytest.mark.parametrize(
    ("command", "status"),
    [(["true"], 0), (["nonesuch"], 127), (["/etc/passwd"], 126), (["sh", "-c", "kill -9 $$"], 137), (["--"], 127)],
)
def test_the_status_of_a_command(chroot: Hypervisor, start: Start, command: list[str], status: int) -> None:
    assert chroot.exec_in_instance(start("orderly").name, command).exit_status == status


def test_a_command_is_one_of_the_instances_processes(chroot: Hypervisor, start: Start, pids: Pids) -> None:
    instance = start("orderly")
    own = Path("/proc/self/cgroup").read_text()
    done = chroot.exec_in_instance(instance.name, ["cat", "/proc/self/cgroup"])
    assert done.stdout.decode() != own
    assert instance.name in done.stdout.decode()
    chroot.exec_in_instance(instance.name, ["sh", "-c", "sleep 86400 </dev/null >/dev/null 2>&1 &"])
    assert len(pids(instance.name)) == 2


def test_a_command_that_ends_late_is_ended_with_all_it_started(chroot: Hypervisor, start: Start, pids: Pids) -> None:
    instance = start("orderly")
    before = pids(instance.name)
    script = "setsid sleep 86400 & sleep 86400 & echo begun; wait"
    with pytest.raises(CommandTimeout, match=r"did not finish within 0\.5 s and was ended") as caught:
        chroot.exec_in_instance(instance.name, ["sh", "-c", script], timeout_s=0.5)
    assert (caught.value.details, caught.value.left_behind) == (("begun",), ())
    assert pids(instance.name) == before


@pytest.mark.usefixtures("needs_freezer")
def test_a_command_of_a_paused_one_ends_with_the_pause(
    chroot: Hypervisor, chroot_host: LiveHost, start: Start, pids: Pids, in_child: Any, until: Any
) -> None:
    instance = start("orderly")
    before = pids(instance.name)

    def late() -> None:
        with pytest.raises(CommandTimeout) as caught:
            chroot_host.load().exec_in_instance(instance.name, ["sleep", "86400"], timeout_s=1)
        assert caught.value.left_behind or "was ended" in caught.value.message

    waiting = in_child(late)
    until(lambda: len(pids(instance.name)) > len(before))
    chroot.pause_instance(instance.name)
    assert waiting.wait() == 0
    chroot.resume_instance(instance.name)
    until(lambda: pids(instance.name) == before)


def test_exec_needs_a_running_one(chroot: Hypervisor, start: Start) -> None:
    instance = start("orderly")
    chroot.stop_instance(instance)
    with pytest.raises(NotRunning):
        chroot.exec_in_instance(instance.name, ["true"])


def test_the_console_is_a_shell_in_the_root(chroot: Hypervisor, start: Start, paths: ChrootPaths) -> None:
    instance = start("orderly")
    console = chroot.get_instance_console(instance, Node("node1", ssh_port=2222))
    assert (console.kind, console.host, console.port, console.user) == ("ssh", "node1", 2222, "root")
    assert console.command == ("chroot", str(paths.root(instance.name)), "/bin/sh")
    done = subprocess.run(console.command, input=b"cat /etc/passwd\n", capture_output=True, check=True)
    assert done.stdout == b"root:x:0:0:root:/root:/bin/sh\n"


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_verify_finds_a_good_node_and_changes_nothing(chroot: Hypervisor, unique_tag: str, own_directory: Path) -> None:
    before = snapshot([unique_tag], [own_directory])
    report = chroot.verify()
    assert report.status is VerifyStatus.HEALTHY, report.text()
    assert {finding.name for finding in report.findings} >= {"chroot", "mount", "root", "cgroup freezer"}
    assert snapshot([unique_tag], [own_directory]) == before


def test_what_it_can_and_cannot(chroot: Hypervisor, start: Start) -> None:
    support = {capability.operation: capability.support for capability in chroot.capabilities()}
    assert support["reboot_instance"] is support["exec_in_instance"] is support["pause_instance"] is Support.YES
    assert support["balloon_instance_memory"] is support["migrate_instance"] is Support.NO
    assert not chroot.can_migrate
    with pytest.raises(Unsupported):
        chroot.balloon_instance_memory(start("orderly"), 32)
    assert chroot.get_ancillary_files() == AncillaryFiles()
    assert chroot.get_node_info().cpu_total >= 1


def test_a_plan_touches_nothing_and_names_what_a_start_does(
    chroot: Hypervisor, chroot_host: LiveHost, unique_tag: str, own_directory: Path, paths: ChrootPaths
) -> None:
    instance = chroot_host.instance(init_script="/sbin/orderly")
    before = snapshot([unique_tag], [own_directory])
    plan = chroot.plan_start(instance)
    assert snapshot([unique_tag], [own_directory]) == before
    assert [step.name for step in plan.steps] == ["state", "mount", "system-mounts", "cgroup", "script"]
    assert plan.steps[-1].details == (f"chroot {paths.root(instance.name)} /sbin/orderly start",)


def test_a_lost_definition_is_restored(chroot: Hypervisor, start: Start, paths: ChrootPaths) -> None:
    instance = start("orderly")
    assert chroot.verify_instance(instance)
    paths.definition(instance.name).unlink()
    assert not chroot.verify_instance(instance)
    info = chroot.get_instance_info(instance.name)
    assert info is not None
    assert (info.memory_mib, info.vcpus) == (0, 0)
    chroot.restore_instance(chroot.prepare_instance(instance))
    assert chroot.verify_instance(instance)
    assert chroot.get_instance_definition(instance.name) == chroot.prepare_instance(instance)


@pytest.mark.parametrize("lost", ["definition.json", "journal"])
@pytest.mark.parametrize("force", [False, True])
def test_a_file_that_is_lost_does_not_keep_an_instance_from_its_stop(
    chroot: Hypervisor, start: Start, paths: ChrootPaths, leak_check: LeakCheck, lost: str, force: bool
) -> None:
    instance = start("daemon", init_script="/ganeti-chroot")
    (paths.instance_dir(instance.name) / lost).unlink()
    chroot.stop_instance(instance.name, force=force)
    leak_check.check()


def test_on_a_node_without_a_freezer_all_but_pausing_works(
    chroot_host: LiveHost, leak_check: LeakCheck, pids: Pids, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode

    none = CgroupLayout(CgroupMode.NONE, {}, None, frozenset())
    monkeypatch.setattr("hvcore_chroot.groups.current_layout", lambda: none)
    bare = chroot_host.load()
    lacking = {c.operation: c.reason for c in bare.capabilities() if c.support is Support.NO}
    assert lacking["pause_instance"] == lacking["resume_instance"] == "this node has no cgroup freezer"
    instance = chroot_host.instance(init_script="/sbin/deeper")
    with pytest.raises(Unsupported, match="no cgroup freezer"):
        bare.start_instance(instance, startup_paused=True)
    bare.start_instance(instance)
    assert bare.list_instances() == (instance.name,)
    [pid] = pids(instance.name)
    assert instance.name not in Path(f"/proc/{pid}/cgroup").read_text()
    with pytest.raises(Unsupported, match="no cgroup freezer"):
        bare.pause_instance(instance.name)
    assert bare.exec_in_instance(instance.name, ["true"]).exit_status == 0
    bare.reboot_instance(instance.name)
    bare.stop_instance(instance)
    assert bare.verify().status is VerifyStatus.HEALTHY
    leak_check.check()


def test_hv_runs_all_of_it(chroot_host: LiveHost, start: Start, leak_check: LeakCheck) -> None:
    instance = start("orderly")
    environment = {
        **os.environ,
        "HVCORE_STATE_DIR": str(chroot_host.state_dir),
        "HVCORE_LOG_DIR": str(chroot_host.log_dir),
    }

    def hv(*words: str) -> str:
        import sys

        code = "from hvcore.cli.main import main; raise SystemExit(main())"
        done = subprocess.run(
            [sys.executable, "-c", code, *words], env=environment, capture_output=True, text=True, input="echo $0\n"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert instance.name in hv("list")
    assert '"processes": 1' in hv("info", instance.name, "--json")
    assert hv("console", instance.name) == "/bin/sh\n"
    assert hv("exec", instance.name, "--", "echo", "hi") == "hi\n"
    hv("stop", instance.name)
    leak_check.check()
