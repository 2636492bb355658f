"""Listing and describing what runs, as the kernel sees it, and never what belongs to others."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.model.state import InstanceState
from hvcore.system.cgroup_layout import current_layout
from hvcore.system.mountinfo import mount_at, read_mounts
from hvcore.testing.commands import FakeRunner
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]


@pytest.fixture
def foreign(own_directory: Path, lxc_host: LiveHost) -> Iterator[Callable[[str], int]]:
    """Start a container with LXC's own tools, in another lxcpath, and return its monitor's pid."""
    lxcpath = own_directory / "foreign"
    made: list[str] = []

    def start(name: str) -> int:
        (lxcpath / name).mkdir(parents=True)
        (lxcpath / name / "config").write_text(
            f"lxc.uts.name = {name}\nlxc.rootfs.path = dir:{lxc_host.root}\nlxc.init.cmd = /sbin/deaf\n"
            f"lxc.cgroup.dir.container = {own_directory.name}-foreign/{name}\n"
            f"lxc.cgroup.dir.monitor = {own_directory.name}-foreign-monitor/{name}\n"
            f"lxc.cgroup.dir.monitor.pivot = {own_directory.name}-foreign-monitor\n"
            "lxc.net.0.type = empty\nlxc.tty.max = 0\n"
        )
        made.append(name)
        subprocess.run(["lxc-start", "-P", lxcpath, "-n", name], check=True)
        return int(
            subprocess.run(["lxc-info", "-P", lxcpath, "-n", name, "-pH"], check=True, capture_output=True).stdout
        )

    yield start
    for name in made:
        subprocess.run(["lxc-stop", "-k", "-P", lxcpath, "-n", name], check=False)


@pytest.fixture(autouse=True)
def remove_foreign_traces(own_directory: Path, leak_check: Any) -> Iterator[None]:
    """What LXC leaves of a foreign container is not hvcore's: its lock and the parents of its cgroups."""
    yield
    lock = Path(f"/run/lxc/lock{own_directory}/foreign")
    if lock.is_dir():
        for file in lock.iterdir():
            file.unlink()
        lock.rmdir()
        lock.parent.rmdir()
    for base in current_layout().hierarchies:
        for name in ("foreign", "foreign-monitor"):
            for path, _, _ in os.walk(Path(base, f"{own_directory.name}-{name}"), topdown=False):
                os.rmdir(path)


def test_a_foreign_container_of_the_same_name_is_nobodys_business(
    lxc: Hypervisor, running: Running, foreign: Any, kernel: Any, lxc_host: LiveHost
) -> None:
    instance = running()
    pid = foreign(instance.name)
    only = foreign(lxc_host.instance("only").name)
    assert lxc.list_instances() == (instance.name,)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert info.pid != pid
    assert lxc.get_instance_info(lxc_host.instance("only").name) is None
    assert [one.name for one in lxc.get_all_instances_info()] == [instance.name]
    lxc.pause_instance(instance.name)
    assert kernel.value(pid, "freezer", "freezer.state") == "THAWED"
    for name in (instance.name, lxc_host.instance("only").name):
        lxc.stop_instance(name, force=True)
        lxc.cleanup_instance(name)
    assert lxc.recover().recoveries == ()
    assert kernel.is_alive(pid)
    assert kernel.is_alive(only)


def test_instances_of_another_state_directory_are_foreign_as_well(
    lxc: Hypervisor, running: Running, lxc_host: LiveHost, own_directory: Path, leak_check: Any
) -> None:
    import hvcore

    instance = running()
    other = hvcore.load(state_dir=own_directory / "other", log_dir=own_directory / "log2").hypervisor("lxc")
    assert other.list_instances() == ()
    assert other.get_instance_info(instance.name) is None
    other.stop_instance(instance.name, force=True)
    other.start_instance(instance)
    try:
        assert other.list_instances() == lxc.list_instances() == (instance.name,)
        assert other.get_instance_info(instance.name) != lxc.get_instance_info(instance.name)
    finally:
        other.stop_instance(instance.name, force=True)
    assert lxc.list_instances() == (instance.name,)


def test_all_instances_in_one_answer(lxc: Hypervisor, running: Running) -> None:
    names = {
        running(word, memory_mib=mib, vcpus=vcpus).name: (mib, vcpus)
        for word, mib, vcpus in (("c", 32, 1), ("a", 48, 2), ("b", 64, 1))
    }
    lxc.pause_instance(sorted(names)[1])
    found = lxc.get_all_instances_info()
    assert [info.name for info in found] == sorted(names) == list(lxc.list_instances())
    assert {info.name: (info.memory_mib, info.vcpus) for info in found} == names
    assert [info.state for info in found] == [InstanceState.RUNNING, InstanceState.PAUSED, InstanceState.RUNNING]
    for info in found:
        single = lxc.get_instance_info(info.name)
        assert single is not None
        assert (single.pid, single.memory_mib, single.vcpus) == (info.pid, info.memory_mib, info.vcpus)
        assert single.cpu_seconds >= info.cpu_seconds > 0


def test_listing_starts_no_process(lxc: Hypervisor, running: Running, lxc_host: LiveHost) -> None:
    from attrs import evolve

    names = sorted(running(word).name for word in ("a", "b"))
    quiet = lxc_host.load(prepare=lambda context: evolve(context, runner=FakeRunner()))
    assert sorted(quiet.list_instances()) == names
    assert [info.name for info in quiet.get_all_instances_info()] == names
    assert quiet.get_instance_info(names[0]) is not None


def test_what_does_not_run_is_none_and_no_error(lxc: Hypervisor, unique_tag: str) -> None:
    assert lxc.get_instance_info(f"{unique_tag}-nothing") is None
    assert lxc.list_instances() == ()
    assert lxc.get_all_instances_info() == ()


def test_a_container_whose_monitor_died_runs_on(
    lxc: Hypervisor, running: Running, paths: LxcPaths, kernel: Any, until: Any
) -> None:
    """LXC's own tools call it stopped; a second start would run the guest twice."""
    from hvcore.errors import AlreadyRunning

    instance = running(extra_config="lxc.monitor.signal.pdeath = 0")
    before = lxc.get_instance_info(instance.name)
    assert before is not None
    [monitor] = kernel.monitors(paths.lxcpath, instance.name)
    os.kill(monitor, 9)
    until(lambda: not kernel.is_alive(monitor))
    said = subprocess.run(
        ["lxc-info", "-P", paths.lxcpath, "-n", instance.name, "-sH"], check=False, capture_output=True
    ).stdout
    assert said.strip() == b"STOPPED"
    after = lxc.get_instance_info(instance.name)
    assert after is not None
    assert (after.pid, after.state) == (before.pid, InstanceState.RUNNING)
    with pytest.raises(AlreadyRunning):
        lxc.start_instance(instance)
    lxc.pause_instance(instance.name)
    lxc.resume_instance(instance.name)
    lxc.balloon_instance_memory(instance.name, 80)
    lxc.stop_instance(instance.name, timeout_s=20)
    assert not kernel.is_alive(before.pid)


def test_a_container_that_died_with_its_monitor_does_not_run(
    lxc: Hypervisor, running: Running, paths: LxcPaths, kernel: Any, until: Any, leak_check: Any
) -> None:
    instance = running(init="/sbin/deaf")
    [monitor] = kernel.monitors(paths.lxcpath, instance.name)
    os.kill(monitor, 9)
    until(lambda: lxc.list_instances() == ())
    [recovery] = lxc.recover().recoveries
    assert recovery.left_behind == ()
    leak_check.check()


def test_names_that_begin_alike(lxc: Hypervisor, running: Running, paths: LxcPaths) -> None:
    one, ten = running("inst1"), running("inst10")
    lxc.pause_instance(one.name)
    assert {info.name: info.state for info in lxc.get_all_instances_info()} == {
        one.name: InstanceState.PAUSED,
        ten.name: InstanceState.RUNNING,
    }
    lxc.stop_instance(one.name, force=True)
    assert lxc.list_instances() == (ten.name,)
    assert mount_at(read_mounts(), str(paths.root(ten.name))) is not None
    assert lxc.exec_in_instance(ten.name, ["true"]).exit_status == 0


@pytest.mark.parametrize(
    "name", ["tasks", "cgroup.procs", "memory.stat", "lxc.pivot", "a", "web1.example.com", "x" * 63]
)
def test_awkward_names(lxc: Hypervisor, lxc_host: LiveHost, name: str, leak_check: Any) -> None:
    from attrs import evolve

    instance = evolve(lxc_host.instance(init="/sbin/quick"), name=name)
    lxc.start_instance(instance)
    assert lxc.list_instances() == (name,)
    info = lxc.get_instance_info(name)
    assert info is not None
    assert info.name == name
    assert lxc.exec_in_instance(name, ["hostname"]).stdout.decode().strip() == name
    lxc.pause_instance(name)
    lxc.resume_instance(name)
    lxc.stop_instance(name, timeout_s=20)
    leak_check.check()


def test_a_guest_that_makes_cgroups_of_its_own_is_counted_and_ended(
    lxc: Hypervisor, running: Running, kernel: Any, leak_check: Any
) -> None:
    """systemd moves everything to cgroups below the container's; the list of its own may then be empty."""
    instance = running()
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    for controller in ("freezer", "memory", "cpuacct"):
        own = kernel.cgroup(info.pid, controller)
        (own / "init.scope").mkdir()
        for pid in (own / "cgroup.procs").read_text().split():
            (own / "init.scope" / "cgroup.procs").write_text(pid)
    after = lxc.get_instance_info(instance.name)
    assert after is not None
    assert after.pid == info.pid
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()


def test_a_listing_while_instances_come_and_go(lxc: Hypervisor, running: Running, lxc_host: LiveHost) -> None:
    """A container may end between any two files that are read of it."""
    import threading

    stays = running("stays")
    done = threading.Event()
    failures: list[BaseException] = []

    def look() -> None:
        reader = lxc_host.load()
        while not done.is_set():
            try:
                assert stays.name in reader.list_instances()
                assert stays.name in {info.name for info in reader.get_all_instances_info()}
                assert reader.get_instance_info(stays.name) is not None
            except BaseException as error:
                failures.append(error)
                return

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for number in range(12):
            passing = lxc_host.instance(f"passing{number}", init="/sbin/quick")
            lxc.start_instance(passing)
            lxc.stop_instance(passing.name, force=True)
    finally:
        done.set()
        looking.join()
    assert failures == []
