"""Extensions that take over LXC's steps, seen in real containers and gone without a trace."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from hvcore.errors import OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import BlockDevice, Instance
from hvcore.plugin import hookimpl
from hvcore.system.cgroup_layout import current_layout
from hvcore.system.commands import run
from hvcore.system.mountinfo import mount_at, mounts_below, read_mounts
from hvcore.system.mounts import unmount_tree
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.cgroup_manager import CgroupManager
from hvcore_lxc.cgroups import DefaultCgroups
from hvcore_lxc.document import ConfigDocument, ConfigEntry
from hvcore_lxc.mounter import MountAction, Mounter
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

MOST_PROCESSES = 12


@frozen
class VolatileMounter:
    """Shows a directory below an overlay whose upper part is in memory."""

    lower: str
    root: str
    told: Path
    fails_half_way: bool
    name: str = "volatile"

    def plan(self) -> tuple[MountAction, ...]:
        return (MountAction(self.lower, self.root, "volatile"),)

    def mount(self) -> None:
        run(["mount", "-t", "tmpfs", "-o", "mode=755", "volatile", self.root], timeout_s=30)
        upper, work = f"{self.root}/upper", f"{self.root}/work"
        os.mkdir(upper, 0o755)
        os.mkdir(work, 0o755)
        if self.fails_half_way:
            raise OperationFailed("the upper half is missing")
        layers = f"lowerdir={self.lower},upperdir={upper},workdir={work}"
        run(["mount", "-t", "overlay", "-o", layers, "volatile", self.root], timeout_s=30)

    def unmount(self) -> None:
        unmount_tree(self.root)
        with self.told.open("a") as file:
            file.write(f"{os.getpid()}\n")


@frozen(eq=False)
class Volatile:
    """Every instance gets a volatile root; who unmounted it is written to a file."""

    told: Path
    fails_half_way: bool = False

    @hookimpl
    def lxc_mounter(self, block_devices: tuple[BlockDevice, ...], root: str) -> Mounter:
        return VolatileMounter(block_devices[0].path, root, self.told, self.fails_half_way)


class FewProcesses(DefaultCgroups):
    """The default manager with one limit more."""

    def limits(self, instance: Instance) -> tuple[ConfigEntry, ...]:
        version = "cgroup" if "pids" in self.layout.controllers else "cgroup2"
        return (*super().limits(instance), ConfigEntry(f"lxc.{version}.pids.max", str(MOST_PROCESSES)))


@frozen(eq=False)
class Quota:
    paths: LxcPaths

    @hookimpl
    def lxc_cgroups(self) -> CgroupManager:
        return FewProcesses(self.paths)


@frozen(eq=False)
class HostNamed:
    """Answers the whole configuration: only what a container needs, with a host name of its own."""

    paths: LxcPaths
    host_name: str

    @hookimpl
    def lxc_config(self, instance: Instance, root: str) -> ConfigDocument:
        name, paths = instance.name, self.paths
        return ConfigDocument(
            (
                ConfigEntry("lxc.uts.name", self.host_name),
                ConfigEntry("lxc.rootfs.path", f"dir:{root}"),
                ConfigEntry("lxc.init.cmd", "/sbin/quick"),
                ConfigEntry("lxc.mount.auto", "proc:mixed sys:mixed"),
                ConfigEntry("lxc.cgroup.dir.container", paths.container_group(name)),
                ConfigEntry("lxc.cgroup.dir.monitor", paths.monitor_group(name)),
                ConfigEntry("lxc.cgroup.dir.monitor.pivot", paths.monitor_parent),
                ConfigEntry("lxc.net.0.type", "empty"),
            )
        )


class Amends:
    @hookimpl(wrapper=True)
    def lxc_config(self) -> Generator[None, ConfigDocument, ConfigDocument]:
        document = yield
        return document.replace("lxc.uts.name", "amended")


class Adds:
    @hookimpl
    def lxc_config_entries(self, instance: Instance, document: ConfigDocument) -> Iterable[ConfigEntry]:
        [shown] = document.values("lxc.uts.name")
        yield ConfigEntry("lxc.environment", f"SEEN={shown} of {instance.memory_mib}, 'quoted'")
        yield ConfigEntry("lxc.mount.entry", "tmpfs tmp tmpfs nodev,nosuid,size=64k 0 0")


@pytest.fixture
def told(own_directory: Path) -> Path:
    return own_directory / "unmounted-by"


@pytest.fixture
def said() -> Callable[..., str]:
    """Run a command in an instance and return what it prints."""

    def run_in(lxc: Hypervisor, name: str, *command: str) -> str:
        return lxc.exec_in_instance(name, command).stdout.decode().strip()

    return run_in


# -- the mounter -------------------------------------------------------------------------------------------------------


def test_a_volatile_root_forgets_at_the_stop(
    lxc_host: LiveHost, told: Path, paths: LxcPaths, said: Any, leak_check: Any
) -> None:
    lxc = lxc_host.load(extensions=[Volatile(told)])
    instance = lxc_host.instance(init="/sbin/quick")
    changed = Path("etc/changed")
    for _ in range(2):
        lxc.start_instance(instance)
        root = mount_at(read_mounts(), str(paths.root(instance.name)))
        assert root is not None
        assert root.fs_type == "overlay"
        assert (
            said(lxc, instance.name, "sh", "-c", f"test -e /{changed} || echo new > /{changed}; cat /{changed}")
            == "new"
        )
        assert (paths.root(instance.name) / changed).read_text() == "new\n"
        assert not (lxc_host.root / changed).exists()
        lxc.stop_instance(instance.name, timeout_s=20)
        assert not (lxc_host.root / changed).exists()
        leak_check.check()
    assert told.read_text().split() == [str(os.getpid())] * 2


def test_a_volatile_root_outlives_a_reboot(
    lxc_host: LiveHost, told: Path, paths: LxcPaths, said: Any, leak_check: Any
) -> None:
    lxc = lxc_host.load(extensions=[Volatile(told)])
    instance = lxc_host.instance(init="/sbin/quick")
    lxc.start_instance(instance)
    said(lxc, instance.name, "sh", "-c", "echo kept > /etc/kept")
    before = mounts_below(read_mounts(), str(paths.root(instance.name)))
    lxc.reboot_instance(instance)
    assert said(lxc, instance.name, "cat", "/etc/kept") == "kept"
    assert mounts_below(read_mounts(), str(paths.root(instance.name))) == before
    assert not told.exists()
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()


def test_another_process_unmounts_it_by_name_alone(
    lxc_host: LiveHost, told: Path, in_child: Any, leak_check: Any
) -> None:
    instance = lxc_host.instance(init="/sbin/quick")
    starter = in_child(lambda: lxc_host.load(extensions=[Volatile(told)]).start_instance(instance))
    assert starter.wait() == 0
    stopper = in_child(lambda: lxc_host.load(extensions=[Volatile(told)]).stop_instance(instance.name, timeout_s=20))
    assert stopper.wait() == 0
    assert told.read_text().split() == [str(stopper.pid)]
    leak_check.check()


def test_a_process_without_the_extension_leaves_nothing_either(
    lxc_host: LiveHost, lxc: Hypervisor, told: Path, leak_check: Any
) -> None:
    instance = lxc_host.instance(init="/sbin/quick")
    lxc_host.load(extensions=[Volatile(told)]).start_instance(instance)
    lxc.stop_instance(instance.name, force=True)
    assert not told.exists()
    leak_check.check()


@pytest.mark.parametrize("paused", [False, True])
def test_a_failed_start_unmounts_it(lxc_host: LiveHost, told: Path, leak_check: Any, paused: bool) -> None:
    lxc = lxc_host.load(extensions=[Volatile(told)])
    with pytest.raises(OperationFailed) as caught:
        lxc.start_instance(lxc_host.instance(init="/sbin/is-not-there"), startup_paused=paused)
    assert caught.value.step == "container"
    assert caught.value.left_behind == ()
    assert "mount" in caught.value.undone
    assert told.exists()
    leak_check.check()


def test_half_a_mount_is_unmounted(lxc_host: LiveHost, told: Path, leak_check: Any) -> None:
    lxc = lxc_host.load(extensions=[Volatile(told, fails_half_way=True)])
    with pytest.raises(OperationFailed, match="upper half") as caught:
        lxc.start_instance(lxc_host.instance())
    assert caught.value.step == "mount"
    assert caught.value.left_behind == ()
    assert told.read_text().split() == [str(os.getpid())]
    leak_check.check()


# -- the cgroup manager ------------------------------------------------------------------------------------------------


def test_a_further_limit_holds_in_the_kernel(lxc_host: LiveHost, paths: LxcPaths, kernel: Any, leak_check: Any) -> None:
    if "pids" not in {*current_layout().controllers, *current_layout().unified_controllers}:
        pytest.skip("needs the pids controller")
    lxc = lxc_host.load(extensions=[Quota(paths)])
    instance = lxc_host.instance(init="/sbin/quick")
    lxc.start_instance(instance)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert kernel.value(info.pid, "pids", "pids.max") == str(MOST_PROCESSES)
    assert kernel.value(info.pid, "memory", "memory.limit_in_bytes") == str(instance.memory_mib << 20)
    many = f"i=0; while [ $i -lt {2 * MOST_PROCESSES} ]; do sleep 60 & i=$((i+1)); done"
    done = lxc.exec_in_instance(instance.name, ["sh", "-c", many])
    assert b"can't fork" in done.stderr
    assert int(kernel.value(info.pid, "pids", "pids.current")) <= MOST_PROCESSES
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()


# -- the configuration -------------------------------------------------------------------------------------------------


def test_another_document_altogether(lxc_host: LiveHost, paths: LxcPaths, said: Any, leak_check: Any) -> None:
    lxc = lxc_host.load(extensions=[HostNamed(paths, "replaced")])
    instance = lxc_host.instance(num_ttys=3)
    lxc.start_instance(instance)
    assert said(lxc, instance.name, "hostname") == "replaced"
    assert said(lxc, instance.name, "sh", "-c", "ls /dev/tty[0-9]* 2>/dev/null | wc -l") == "0"
    assert lxc.list_instances() == (instance.name,)
    lxc.stop_instance(instance.name, timeout_s=20)
    leak_check.check()


@pytest.mark.parametrize("with_answer", [False, True])
def test_a_wrapper_amends_what_was_chosen(
    lxc_host: LiveHost, paths: LxcPaths, said: Any, leak_check: Any, with_answer: bool
) -> None:
    lxc = lxc_host.load(extensions=[Amends(), *([HostNamed(paths, "replaced")] if with_answer else [])])
    instance = lxc_host.instance(init="/sbin/quick")
    lxc.start_instance(instance)
    assert said(lxc, instance.name, "hostname") == "amended"
    lxc.stop_instance(instance.name, timeout_s=20)
    leak_check.check()


def test_added_entries_reach_the_guest(lxc_host: LiveHost, said: Any, leak_check: Any) -> None:
    lxc = lxc_host.load(extensions=[Adds(), Amends()])
    instance = lxc_host.instance(memory_mib=48, init="/sbin/quick")
    lxc.start_instance(instance)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert b"SEEN=amended of 48, 'quoted'" in Path(f"/proc/{info.pid}/environ").read_bytes().split(b"\0")
    [mounted] = [line.split() for line in said(lxc, instance.name, "grep", " /tmp ", "/proc/mounts").splitlines()]
    assert mounted[1:3] == ["/tmp", "tmpfs"]
    assert {"nodev", "nosuid", "size=64k"} <= set(mounted[3].split(","))
    full = lxc.exec_in_instance(instance.name, ["dd", "if=/dev/zero", "of=/tmp/big", "bs=1k", "count=100"])
    assert b"No space left" in full.stderr
    assert not (lxc_host.root / "tmp/big").exists()
    lxc.stop_instance(instance.name, timeout_s=20)
    leak_check.check()
