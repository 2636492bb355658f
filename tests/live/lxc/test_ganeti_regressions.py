"""What went wrong in Ganeti's hypervisors, one test for each defect of its LXC and of what LXC shares with the others.

The defects of numbers and masks alone (memory reports, ports, CPU lists, unset and 0) are tested with the models and with the
node, without a container.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import hvcore
from hvcore.errors import InvalidInput, StateFailed, StopTimeout
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic
from hvcore.model.node import Node
from hvcore.system.mountinfo import mount_at, mounts_below, read_mounts
from hvcore.testing.commands import FakeRunner
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]


def inside(lxc: Hypervisor, instance: Instance, *command: str) -> str:
    return lxc.exec_in_instance(instance.name, command).stdout.decode().strip()


def mounted(paths: LxcPaths, instance: Instance) -> list[str]:
    return [mount.mount_point for mount in mounts_below(read_mounts(), str(paths.root(instance.name)))]


# -- stopping and cleaning up ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("is_known", [False, True])
def test_stop_by_name_needs_no_instance_object(
    lxc_host: LiveHost, running: Running, paths: LxcPaths, leak_check: Any, force: bool, is_known: bool
) -> None:
    """``StopInstance(None, name=...)`` read ``None.name``."""
    instance = running()
    if not is_known:
        paths.definition(instance.name).unlink()
    lxc_host.load().stop_instance(instance.name, force=force, timeout_s=None if force else 20)
    assert lxc_host.load().list_instances() == ()
    leak_check.check()


def test_cleanup_works_the_second_time_as_well(
    lxc: Hypervisor, running: Running, until: Any, paths: LxcPaths, leak_check: Any
) -> None:
    """``CleanupInstance`` failed at the directory that it had removed itself."""
    instance = running(drop_capabilities=())
    lxc.exec_in_instance(instance.name, ["poweroff", "-f"])
    until(lambda: lxc.get_instance_info(instance.name) is None)
    assert mounted(paths, instance) != []
    for _ in range(3):
        lxc.cleanup_instance(instance.name)
        leak_check.check()


def test_a_soft_stop_that_fails_is_an_error(
    lxc: Hypervisor, running: Running, kernel: Any, paths: LxcPaths, leak_check: Any
) -> None:
    """It was only logged, and the instance taken for stopped."""
    instance = running(init="/sbin/deaf")
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    with pytest.raises(StopTimeout) as caught:
        lxc.stop_instance(instance.name, timeout_s=0.3)
    assert caught.value.instance == instance.name
    assert caught.value.resolution
    assert kernel.is_alive(info.pid)
    assert lxc.list_instances() == (instance.name,)
    assert mounted(paths, instance) == [str(paths.root(instance.name))]
    lxc.stop_instance(instance.name, force=True)
    assert not kernel.is_alive(info.pid)
    leak_check.check()


def test_files_of_a_stopped_instance_do_not_stay(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, paths: LxcPaths, leak_check: Any
) -> None:
    """Its directory, its configuration and its cgroups stayed for ever; only the logs of the last run are meant to."""
    logs: list[set[str]] = []
    name = lxc_host.instance().name
    for _ in range(3):
        instance = running()
        lxc.stop_instance(instance.name, timeout_s=20)
        assert list(paths.lxcpath.iterdir()) == []
        assert not paths.lxc_lock(instance.name).exists()
        files = (file for file in lxc_host.log_dir.rglob("*") if file.is_file())
        # What happened to all instances is kept apart from what one has said.
        logs.append({file.name for file in files if not file.parent.name.startswith("events")})
        leak_check.check()
    assert logs[0] == logs[2] <= {paths.lxc_log(name).name, paths.console_log(name).name}


def test_stopping_inst1_does_not_touch_the_mounts_of_inst10(
    lxc: Hypervisor, running: Running, busybox_root: Any, paths: LxcPaths, leak_check: Any
) -> None:
    """Mounts below a root were found by the beginning of their path."""
    one = running("inst1", disks=[Disk(str(busybox_root()))])
    ten = running("inst10", disks=[Disk(str(busybox_root()))])
    for instance in (one, ten):
        for place in ("mnt", "mnt/deep"):
            point = paths.root(instance.name) / place
            point.mkdir(exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", point], check=True)
    before = mounted(paths, ten)
    assert len(before) == 3
    lxc.stop_instance(one.name, force=True)
    lxc.cleanup_instance(one.name)
    assert mounted(paths, one) == []
    assert mounted(paths, ten) == before
    assert inside(lxc, ten, "hostname") == ten.name
    lxc.stop_instance(ten.name, force=True)
    leak_check.check()


def test_a_mount_whose_path_only_begins_like_the_root_stays(
    lxc: Hypervisor, running: Running, paths: LxcPaths, leak_check: Any
) -> None:
    """The same defect within one instance's directory; what is mounted there is somebody's, and is told."""
    instance = running()
    beside = paths.root(instance.name).with_name("rootfs0")
    beside.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", beside], check=True)
    with pytest.raises(StateFailed, match="rootfs0"):
        lxc.stop_instance(instance.name, force=True)
    assert mount_at(read_mounts(), str(beside)) is not None
    assert mounted(paths, instance) == []
    subprocess.run(["umount", beside], check=True)
    beside.rmdir()
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()


# -- whose container it is ---------------------------------------------------------------------------------------------


@pytest.fixture
def foreign(own_directory: Path, lxc_host: LiveHost) -> Iterator[Callable[[str], int]]:
    """Start a container as an administrator does with LXC's own tools, and return its init's pid."""
    lxcpath, group = own_directory / "admins", f"{own_directory.name}-admins"
    made: list[str] = []

    def start(name: str) -> int:
        (lxcpath / name).mkdir(parents=True)
        (lxcpath / name / "config").write_text(
            f"lxc.uts.name = {name}\nlxc.rootfs.path = dir:{lxc_host.root}\nlxc.init.cmd = /sbin/deaf\n"
            f"lxc.cgroup.dir.container = {group}/{name}\nlxc.cgroup.dir.monitor = {group}-monitor/{name}\n"
            f"lxc.cgroup.dir.monitor.pivot = {group}-monitor\nlxc.net.0.type = empty\nlxc.tty.max = 0\n"
        )
        made.append(name)
        subprocess.run(["lxc-start", "-P", lxcpath, "-n", name], check=True)
        told = subprocess.run(["lxc-info", "-P", lxcpath, "-n", name, "-pH"], check=True, capture_output=True)
        return int(told.stdout)

    yield start
    for name in made:
        subprocess.run(["lxc-stop", "-k", "-P", lxcpath, "-n", name], check=True)
        subprocess.run(["lxc-wait", "-P", lxcpath, "-n", name, "-s", "STOPPED", "-t", "20"], check=True)
    # What LXC leaves behind is not hvcore's, and would be held against it.
    lock = Path(f"/run/lxc/lock{lxcpath}")
    if lock.is_dir():
        for file in lock.iterdir():
            file.unlink()
        lock.rmdir()
        lock.parent.rmdir()
    cgroups = Path("/sys/fs/cgroup")
    for directory in (*cgroups.glob(f"{group}*"), *cgroups.glob(f"*/{group}*")):
        for path, _, _ in os.walk(directory, topdown=False):
            os.rmdir(path)


def test_a_foreign_container_of_the_same_name_is_not_ours(
    lxc: Hypervisor, lxc_host: LiveHost, foreign: Callable[[str], int], kernel: Any
) -> None:
    """Whatever ``lxc-ls`` named was listed, described and stopped."""
    instance = lxc_host.instance(init="/sbin/quick")
    pid = foreign(instance.name)

    def is_untouched() -> bool:
        return bool(kernel.is_alive(pid) and kernel.value(pid, "freezer", "freezer.state") == "THAWED")

    assert lxc.list_instances() == ()
    assert lxc.get_all_instances_info() == ()
    assert lxc.get_instance_info(instance.name) is None
    for force in (False, True):
        lxc.stop_instance(instance.name, force=force, timeout_s=None if force else 1)
    lxc.cleanup_instance(instance.name)
    assert lxc.recover().recoveries == ()
    assert is_untouched()
    # The name is free for ours, and both live side by side.
    lxc.start_instance(instance)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert info.pid != pid
    lxc.stop_instance(instance.name, force=True)
    assert is_untouched()


# -- looking changes nothing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_cgroups", [True, False])
def test_verify_mounts_nothing(own_directory: Path, leak_check: Any, with_cgroups: bool) -> None:
    """``Verify`` mounted the hierarchies that it missed. In a mount namespace of its own, nobody else mounts anything."""
    script = textwrap.dedent(
        """
        import os, sys, hvcore
        from pathlib import Path

        def look():
            return Path("/proc/self/cgroup").read_text(), sorted(os.listdir("/sys/fs/cgroup"))

        def mounts():
            # Others' may go, when their mount points are removed; none may come.
            return {line.split(" ", 1)[1] for line in Path("/proc/self/mountinfo").read_text().splitlines()}

        def own_cgroups():
            return [path for path, _, _ in os.walk("/sys/fs/cgroup") if sys.argv[2] in path]

        before, mounts_before = look(), mounts()
        report = hvcore.load(state_dir=sys.argv[1] + "/s", log_dir=sys.argv[1] + "/log").hypervisor("lxc").verify()
        assert look() == before, (before, look())
        assert mounts() <= mounts_before, mounts() - mounts_before
        assert own_cgroups() == [], own_cgroups()
        assert not os.path.exists(sys.argv[1] + "/s"), "it made a state directory"
        failed = {finding.name for finding in report.findings if not finding.ok}
        print(report.status, *sorted(failed))
        """
    )
    prepare = "true" if with_cgroups else "umount -R -l /sys/fs/cgroup"
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", f'{prepare}; exec "$@"', "sh"]
    done = subprocess.run(
        [*command, sys.executable, "-c", script, own_directory, own_directory.name],
        check=True,
        capture_output=True,
        text=True,
    )
    status, *failed = done.stdout.split()
    assert (status == "healthy") is with_cgroups
    assert ("cgroups" in failed) is not with_cgroups


def test_the_console_is_made_from_its_arguments_alone(own_directory: Path, lxc_host: LiveHost) -> None:
    """It looked at the mounts of the node on which the command was given, which need not be the instance's."""
    elsewhere = hvcore.load(
        state_dir=own_directory / "elsewhere",
        log_dir=own_directory / "elsewhere-log",
        prepare=lambda context: evolve(context, runner=FakeRunner()),
    ).hypervisor("lxc")
    instance = lxc_host.instance(disks=[Disk("/is/on/the/other/node")], num_ttys=1)
    console = elsewhere.get_instance_console(instance, Node("node7.example.com"))
    assert (console.host, console.instance) == ("node7.example.com", instance.name)
    assert console.command[0] == "lxc-console"
    assert not (own_directory / "elsewhere").exists()
    assert not (own_directory / "elsewhere-log").exists()


# -- what the configuration says ---------------------------------------------------------------------------------------


def test_extra_config_holds_commas(lxc: Hypervisor, running: Running, leak_check: Any) -> None:
    """It was split at every comma, so that no mount entry with two options could be written."""
    instance = running(extra_config=("lxc.mount.entry = tmpfs tmp tmpfs nodev,nosuid,noexec,size=64k 0 0",))
    [line] = [text.split() for text in inside(lxc, instance, "cat", "/proc/mounts").splitlines() if " /tmp " in text]
    assert line[2] == "tmpfs"
    assert {"nodev", "nosuid", "noexec", "size=64k"} <= set(line[3].split(","))
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()


def test_the_first_start_limits_swap(lxc: Hypervisor, running: Running, kernel: Any) -> None:
    """The file was looked for in a cgroup that only the first start makes."""
    if not Path("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes").exists():
        pytest.skip("needs cgroup version 1 with swap accounting: boot the kernel with swapaccount=1")
    for number, memory_mib in enumerate((32, 48)):
        info = lxc.get_instance_info(running(f"new{number}", memory_mib=memory_mib).name)
        assert info is not None
        assert kernel.value(info.pid, "memory", "memory.memsw.limit_in_bytes") == str(memory_mib << 20)
        assert kernel.value(info.pid, "memory", "memory.limit_in_bytes") == str(memory_mib << 20)


@pytest.mark.parametrize("empty", ["devices", "drop_capabilities", "extra_config"])
def test_an_empty_list_renders_no_broken_line(
    lxc: Hypervisor, running: Running, paths: LxcPaths, kernel: Any, empty: str
) -> None:
    """It became a line with an empty value, which LXC refuses or takes for something else."""
    instance = running(**{empty: ()})
    entries = [line.partition(" = ") for line in paths.config(instance.name).read_text().splitlines() if line[0] != "#"]
    assert all(key.startswith("lxc.") and value for key, _, value in entries)
    keys = [key for key, _, _ in entries]
    assert any(key.endswith("devices.allow") for key in keys) is (empty != "devices")
    assert ("lxc.cap.drop" in keys) is (empty != "drop_capabilities")
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert (kernel.value(info.pid, "devices", "devices.list") == "") is (empty == "devices")


@pytest.mark.parametrize("vcpus", [1, 2])
def test_vcpus_without_a_mask_are_enforced(lxc: Hypervisor, running: Running, kernel: Any, vcpus: int) -> None:
    """Without a mask an instance could use every CPU of the node."""
    info = lxc.get_instance_info(running(vcpus=vcpus, cpu_mask="").name)
    assert info is not None
    quota, period = (int(kernel.value(info.pid, "cpu", f"cpu.cfs_{what}_us")) for what in ("quota", "period"))
    assert (quota, info.vcpus) == (vcpus * period, vcpus)


@pytest.mark.parametrize("mask", ["+0", "0_0", "\u0660", "0-100000000", "0,", " "])
def test_a_mask_is_read_strictly(lxc: Hypervisor, lxc_host: LiveHost, leak_check: Any, mask: str) -> None:
    """Python's own reading of numbers was used, and a range of any length was expanded."""
    with pytest.raises(InvalidInput) as caught:
        lxc.start_instance(lxc_host.instance(cpu_mask=mask))
    assert caught.value.key == "cpu_mask"
    leak_check.check()


# -- disks and NICs ----------------------------------------------------------------------------------------------------


def test_an_instance_has_several_disks(
    lxc: Hypervisor, running: Running, busybox_root: Any, own_directory: Path, leak_check: Any
) -> None:
    """Only the first one was mounted."""
    data, more = own_directory / "data", own_directory / "more"
    for directory in (data, more):
        directory.mkdir()
        (directory / "word").write_text(f"from {directory.name}\n")
    instance = running(
        disks=[
            Disk(str(busybox_root())),
            Disk(str(more), mount_point="/srv/data/more", read_only=True),
            Disk(str(data), mount_point="/srv/data"),
        ]
    )
    (data / "late").write_text("late\n")
    assert inside(lxc, instance, "cat", "/srv/data/word", "/srv/data/late") == "from data\nlate"
    assert inside(lxc, instance, "cat", "/srv/data/more/word") == "from more"
    assert lxc.exec_in_instance(instance.name, ["touch", "/srv/data/from-guest"]).exit_status == 0
    assert lxc.exec_in_instance(instance.name, ["touch", "/srv/data/more/from-guest"]).exit_status != 0
    assert (data / "from-guest").exists()
    lxc.stop_instance(instance.name, force=True)
    assert (more / "word").read_text() == "from more\n"
    leak_check.check()


def test_an_instance_without_disks_is_refused_in_words(lxc: Hypervisor, lxc_host: LiveHost, leak_check: Any) -> None:
    """It was an IndexError, or a container over whatever lay at its root."""
    instance = lxc_host.instance(disks=())
    for attempt in (lxc.start_instance, lxc.plan_start):
        with pytest.raises(InvalidInput, match="no disk") as caught:
            attempt(instance)
        assert (caught.value.key, caught.value.instance) == ("disks", instance.name)
        leak_check.check()


@pytest.mark.parametrize("nics", [(), (Nic("none"),), (Nic("none"), Nic("none"))])
def test_a_nic_of_mode_none_gives_no_network(
    lxc: Hypervisor, running: Running, leak_check: Any, nics: tuple[Nic, ...]
) -> None:
    """Any mode but bridged was an error; and a container without a NIC used the node's own network."""
    instance = running(nics=nics)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert os.readlink(f"/proc/{info.pid}/ns/net") != os.readlink("/proc/self/ns/net")
    devices = [line.split(":")[0].strip() for line in inside(lxc, instance, "cat", "/proc/net/dev").splitlines()[2:]]
    # Some kernels put devices of their own, such as sit0, into every new network namespace.
    assert "lo" in devices
    assert not [name for name in devices if name.startswith(("eth", "veth", "hv"))]
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()


# -- parameters --------------------------------------------------------------------------------------------------------


def test_validating_nothing_at_all_fills_in_the_defaults(lxc: Hypervisor, lxc_host: LiveHost) -> None:
    """A key that was missing from the parameters was a KeyError."""
    lxc.validate_parameters({})
    prepared = lxc.prepare_instance(lxc_host.instance())
    assert set(prepared.parameters) == {parameter.name for parameter in lxc.parameters}
