"""What runs, as the kernel says: exact in the company of names, roots and processes that are nearly the same."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import DeviceBusy, InstanceNotFound
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.model.state import InstanceState
from hvcore.system.mountinfo import mount_at, mounts_below, read_mounts
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck
from hvcore_chroot.paths import ChrootPaths

pytestmark = pytest.mark.live

Start = Callable[..., Instance]
Pids = Callable[[str], list[int]]


def test_info_counts_processes_memory_and_time(chroot: Hypervisor, start: Start, pids: Pids, until: Any) -> None:
    instance = start("daemon", memory_mib=96, vcpus=2)
    until(lambda: len(pids(instance.name)) >= 2)
    info = chroot.get_instance_info(instance.name)
    assert info is not None
    assert (info.name, info.hypervisor, info.state) == (instance.name, "chroot", InstanceState.RUNNING)
    assert (info.memory_mib, info.vcpus, info.pid) == (96, 2, None)
    assert info.processes == len(pids(instance.name))

    def told_as_the_kernel_does() -> bool:
        """Both looks fall into a moment in which the processes took no more memory."""
        seen = chroot.get_instance_info(instance.name)
        statm = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids(instance.name)]
        return seen is not None and seen.memory_used_mib == sum(statm) * os.sysconf("SC_PAGE_SIZE") >> 20

    until(told_as_the_kernel_does)
    until(lambda: chroot.get_all_instances_info() == (chroot.get_instance_info(instance.name),))


def test_cpu_time_grows_and_outlives_the_process_that_used_it(chroot: Hypervisor, start: Start) -> None:
    busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"
    instance = start("orderly")
    before = chroot.get_instance_info(instance.name)
    worker = f"while :; do sh -c '{busy}'; done"
    chroot.exec_in_instance(instance.name, ["sh", "-c", f"({worker}) </dev/null >/dev/null 2>&1 &"])
    assert before is not None

    def used() -> float:
        info = chroot.get_instance_info(instance.name)
        assert info is not None
        return info.cpu_seconds

    while used() < before.cpu_seconds + 0.1:
        os.sched_yield()
    first = used()
    while used() < first + 0.1:
        os.sched_yield()


def test_nothing_is_said_of_what_does_not_run(chroot: Hypervisor) -> None:
    assert chroot.list_instances() == ()
    assert chroot.get_all_instances_info() == ()
    assert chroot.get_instance_info("nobody") is None
    assert chroot.get_instance_definition("nobody") is None
    with pytest.raises(InstanceNotFound):
        chroot.reboot_instance("nobody")


def test_two_instances_over_one_directory_do_not_meet(
    chroot: Hypervisor, start: Start, pids: Pids, busybox_root: Callable[[], Path], leak_check: LeakCheck
) -> None:
    root = busybox_root()
    one = start("orderly", "one", disks=[Disk(str(root))])
    two = start("orderly", "two", disks=[Disk(str(root))])
    of_one, of_two = pids(one.name), pids(two.name)
    assert set(of_one).isdisjoint(of_two)
    assert chroot.list_instances() == (one.name, two.name)
    chroot.stop_instance(one, force=True)
    assert pids(two.name) == of_two
    assert chroot.list_instances() == (two.name,)
    chroot.stop_instance(two)
    leak_check.check()


def test_names_that_begin_alike_do_not_meet(
    chroot: Hypervisor, start: Start, pids: Pids, paths: ChrootPaths, leak_check: LeakCheck
) -> None:
    long, short = start("mounts", "inst10"), start("mounts", "inst1")
    kept = pids(long.name)
    mounts = mounts_below(read_mounts(), str(paths.root(long.name)))
    chroot.pause_instance(short.name)
    states = {info.name: info.state for info in chroot.get_all_instances_info()}
    assert states == {short.name: InstanceState.PAUSED, long.name: InstanceState.RUNNING}
    chroot.stop_instance(short, force=True)
    assert pids(long.name) == kept
    assert mounts_below(read_mounts(), str(paths.root(long.name))) == mounts
    chroot.cleanup_instance(short.name)
    assert chroot.list_instances() == (long.name,)
    chroot.stop_instance(long)
    leak_check.check()


def test_a_second_instance_over_the_same_image_is_refused(
    chroot: Hypervisor, start: Start, make_image: Any, pids: Pids
) -> None:
    image = make_image()
    one = start("orderly", "one", disks=[Disk(str(image))])
    before = pids(one.name)
    with pytest.raises(DeviceBusy, match=r"is in use") as caught:
        start("orderly", "two", disks=[Disk(str(image))])
    assert (caught.value.step, caught.value.undone) == ("mount", ("mount", "state"))
    assert pids(one.name) == before
    assert chroot.list_instances() == (one.name,)


def test_processes_outside_that_use_the_same_device_are_none_of_an_instances(
    chroot: Hypervisor, start: Start, busybox_root: Callable[[], Path], own_directory: Path
) -> None:
    """Ganeti asks fuser for the whole file system, and would count, and kill, each of these."""
    root = busybox_root()
    instance = start("orderly", disks=[Disk(str(root))])
    in_source = subprocess.Popen(["chroot", str(root), "sleep", "86400"])
    nearby = subprocess.Popen(["sleep", "86400"], cwd=own_directory)
    try:
        info = chroot.get_instance_info(instance.name)
        assert info is not None
        assert info.processes == 1
        chroot.stop_instance(instance, force=True)
        assert in_source.poll() is None
        assert nearby.poll() is None
    finally:
        for process in (in_source, nearby):
            process.kill()
            process.wait()


def test_the_same_path_in_another_mount_namespace_is_another_root(
    chroot: Hypervisor, chroot_host: LiveHost, paths: ChrootPaths, until: Any
) -> None:
    """A container may have an hvcore of its own, with the same directories."""
    name = chroot_host.instance().name
    root = paths.root(name)
    root.mkdir(parents=True)
    script = f"mount --bind {chroot_host.root} {root} && exec chroot {root} sleep 86400"
    other = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script])
    try:
        until(lambda: os.readlink(f"/proc/{other.pid}/root") == str(root))
        assert chroot.list_instances() == ()
        assert chroot.get_instance_info(name) is None
        chroot.stop_instance(name, force=True)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_root_from_which_the_mount_was_taken_still_has_its_processes(
    chroot: Hypervisor, start: Start, paths: ChrootPaths, leak_check: LeakCheck
) -> None:
    instance = start("lazy", system_mounts=())
    subprocess.run(["umount", "--lazy", paths.root(instance.name)], check=True)
    assert mount_at(read_mounts(), str(paths.root(instance.name))) is None
    assert chroot.list_instances() == (instance.name,)
    chroot.stop_instance(instance, force=True)
    leak_check.check()


def test_another_process_sees_the_same(chroot: Hypervisor, chroot_host: LiveHost, start: Start) -> None:
    instance = start("orderly")
    assert chroot_host.load().get_all_instances_info()[0].name == instance.name
    assert chroot_host.load().get_instance_definition(instance.name) == chroot.prepare_instance(instance)
