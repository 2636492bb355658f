"""Starting: what is on disk, what really runs, and which limits the kernel holds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.errors import AlreadyRunning, HypervisorError
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]


def test_a_started_instance_really_runs(lxc: Hypervisor, running: Running, kernel: Any) -> None:
    instance = running(memory_mib=48)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert (info.name, info.hypervisor, info.state, info.memory_mib, info.vcpus) == (
        instance.name,
        "lxc",
        hvcore.InstanceState.RUNNING,
        48,
        1,
    )
    assert kernel.is_alive(info.pid)
    assert kernel.status(info.pid, "NSpid").split()[-1] == "1"
    assert lxc.exec_in_instance(instance.name, ["hostname"]).stdout.decode().strip() == instance.name


def test_what_is_kept_on_disk(lxc: Hypervisor, running: Running, paths: LxcPaths) -> None:
    instance = running(memory_mib=48, vcpus=2)
    kept = json.loads(paths.definition(instance.name).read_text())["instance"]
    assert Instance.from_dict(kept) == lxc.prepare_instance(instance) == lxc.get_instance_definition(instance.name)
    assert f"lxc.uts.name = {instance.name}\n" in paths.config(instance.name).read_text()
    journal = [json.loads(line) for line in (paths.instance_dir(instance.name) / "journal").read_text().splitlines()]
    assert journal[0] == {"phase": "starting", "pid": os.getpid()}
    assert [event["begin"] for event in journal[1:-1]] == ["state", "mount", "config", "cgroups", "container"]
    assert journal[-1]["phase"] == "running"


def test_an_instance_file_is_all_it_takes(
    lxc: Hypervisor, lxc_host: LiveHost, own_directory: Path, unique_tag: str
) -> None:
    file = own_directory / "web.toml"
    file.write_text(
        f'name = "{unique_tag}-file"\nhypervisor = "lxc"\n[backend]\nmemory_mib = 32\n'
        f'[[disks]]\npath = "{lxc_host.root}"\nread_only = true\n'
    )
    instance = hvcore.Instance.from_file(file)
    lxc.start_instance(instance)
    assert lxc.list_instances() == (instance.name,)


def test_a_second_start_is_refused_and_changes_nothing(lxc: Hypervisor, running: Running, paths: LxcPaths) -> None:
    instance = running()
    before = (lxc.get_instance_info(instance.name), (paths.instance_dir(instance.name) / "journal").read_text())
    with pytest.raises(AlreadyRunning) as caught:
        lxc.start_instance(instance)
    assert caught.value.instance == instance.name
    assert caught.value.resolution
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert before[0] is not None
    assert (info.pid, (paths.instance_dir(instance.name) / "journal").read_text()) == (before[0].pid, before[1])


def test_memory_and_swap_are_limited_from_the_first_start(lxc: Hypervisor, running: Running, kernel: Any) -> None:
    info = lxc.get_instance_info(running(memory_mib=48).name)
    assert info is not None
    assert kernel.value(info.pid, "memory", "memory.limit_in_bytes") == str(48 << 20)
    memsw = kernel.cgroup(info.pid, "memory") / "memory.memsw.limit_in_bytes"
    if not memsw.exists():
        pytest.skip("needs swap accounting: boot the kernel with swapaccount=1")
    assert memsw.read_text().strip() == str(48 << 20)


def test_the_kernel_ends_a_guest_process_that_wants_more_memory(lxc: Hypervisor, running: Running) -> None:
    instance = running(memory_mib=24)
    hog = 'BEGIN { s = "0123456789abcdef"; while (length(s) < 100000000) s = s s; print length(s) }'
    done = lxc.exec_in_instance(instance.name, ["awk", hog], timeout_s=30)
    assert (done.exit_status, done.stdout) == (137, b"")
    assert lxc.get_instance_info(instance.name) is not None


def test_a_cpu_mask_pins_every_process(lxc: Hypervisor, running: Running, kernel: Any) -> None:
    cpu = max(os.sched_getaffinity(0))
    instance = running(cpu_mask=str(cpu))
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert info.vcpus == 1
    assert kernel.value(info.pid, "cpuset", "cpuset.cpus") == str(cpu)
    assert os.sched_getaffinity(info.pid) == {cpu}
    inside = lxc.exec_in_instance(instance.name, ["grep", "Cpus_allowed_list", "/proc/self/status"]).stdout.decode()
    assert inside.split() == ["Cpus_allowed_list:", str(cpu)]


@pytest.mark.parametrize("vcpus", [1, 3])
def test_without_a_mask_vcpus_bound_the_cpu_time(lxc: Hypervisor, running: Running, kernel: Any, vcpus: int) -> None:
    info = lxc.get_instance_info(running(vcpus=vcpus).name)
    assert info is not None
    assert info.vcpus == vcpus
    quota = int(kernel.value(info.pid, "cpu", "cpu.cfs_quota_us"))
    assert quota == vcpus * int(kernel.value(info.pid, "cpu", "cpu.cfs_period_us"))


def test_only_listed_devices_can_be_opened(lxc: Hypervisor, running: Running) -> None:
    # Made by the guest itself: it is root and may make any node, and the kernel refuses to open it.
    instance = running(
        devices=("c 1:3 rwm", "c 1:9 r", "c 5:* rw", "c 136:* rw"), drop_capabilities=("sys_admin", "sys_boot")
    )
    script = (
        "cd /dev; for n in 3 9; do rm -f t$n; mknod t$n c 1 $n 2>/dev/null || echo no mknod $n; done; "
        "head -c 1 null >/dev/null && echo null; (head -c 1 zero >/dev/null) 2>&1; "
        "head -c 1 urandom | wc -c; (echo > urandom) 2>&1"
    )
    said = lxc.exec_in_instance(instance.name, ["sh", "-c", script]).stdout.decode().splitlines()
    assert said[0] == "no mknod 9"
    assert said[1] == "null"
    assert "zero" in said[2]
    assert "not permitted" in said[2]
    assert said[3] == "1"
    assert "urandom" in said[4]
    assert "not permitted" in said[4]


def test_dropped_capabilities_are_gone_for_good(lxc: Hypervisor, running: Running, kernel: Any) -> None:
    net_raw, sys_admin, sys_time = 13, 21, 25
    instance = running(drop_capabilities=("sys_admin", "sys_time"))
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    for pid_or_key in ("CapBnd", "CapPrm", "CapEff"):
        bits = int(kernel.status(info.pid, pid_or_key), 16)
        assert not bits & (1 << sys_admin | 1 << sys_time)
        assert bits & 1 << net_raw
    mount = lxc.exec_in_instance(instance.name, ["mount", "-t", "tmpfs", "none", "/tmp"])
    assert mount.exit_status != 0


def test_empty_lists_of_devices_and_capabilities_start_as_well(lxc: Hypervisor, running: Running, kernel: Any) -> None:
    instance = running(devices=(), drop_capabilities=(), num_ttys=0)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    bounding = int(kernel.status(info.pid, "CapBnd"), 16)
    assert bounding == int(kernel.status(os.getpid(), "CapBnd"), 16)
    assert kernel.value(info.pid, "devices", "devices.list") == ""


def test_extra_config_reaches_the_guest_commas_and_all(lxc: Hypervisor, running: Running) -> None:
    instance = running(extra_config=("lxc.environment = WORDS=a,b, c", "lxc.environment = MORE=#1 'x'"))
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    environment = Path(f"/proc/{info.pid}/environ").read_bytes().split(b"\0")
    assert b"WORDS=a,b, c" in environment
    assert b"MORE=#1 'x'" in environment


def test_the_guest_sees_the_number_of_terminals_it_was_given(lxc: Hypervisor, running: Running) -> None:
    some, none = running("some", num_ttys=2), running("none", num_ttys=0)
    count = ["sh", "-c", "ls -d /dev/tty[0-9]* 2>/dev/null | wc -l"]
    assert lxc.exec_in_instance(some.name, count).stdout.strip() == b"2"
    assert lxc.exec_in_instance(none.name, count).stdout.strip() == b"0"


def test_a_start_by_a_process_in_another_cgroup_lands_at_the_same_place(
    lxc: Hypervisor, lxc_host: LiveHost, in_child: Any, kernel: Any, unique_tag: str
) -> None:
    """LXC alone would put a container below the cgroup of whoever started it."""
    instance = lxc_host.instance(init="/sbin/quick")
    own = kernel.cgroup(os.getpid(), "memory").parent / f"{unique_tag}-manager"
    own = Path(str(own)) if own.parent.is_dir() else own
    own.mkdir()

    def start() -> None:
        (own / "cgroup.procs").write_text(str(os.getpid()))
        lxc_host.load().start_instance(instance)

    try:
        assert in_child(start).wait() == 0
        info = lxc.get_instance_info(instance.name)
        assert info is not None
        assert unique_tag + "-manager" not in str(kernel.cgroup(info.pid, "memory"))
        lxc.stop_instance(instance.name, force=True)
    finally:
        own.rmdir()


def test_starts_and_stops_of_several_instances_at_once(lxc: Hypervisor, lxc_host: LiveHost, leak_check: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    instances = [lxc_host.instance(f"n{number}", init="/sbin/quick") for number in range(6)]
    with ThreadPoolExecutor(len(instances)) as pool:
        for _ in range(3):
            list(pool.map(lxc.start_instance, instances))
            assert lxc.list_instances() == tuple(instance.name for instance in instances)
            list(pool.map(lambda instance: lxc.stop_instance(instance, force=True), instances))
            assert lxc.list_instances() == ()
            leak_check.check()


def test_two_starts_of_one_name_at_once_give_one_container(lxc_host: LiveHost, lxc: Hypervisor, in_child: Any) -> None:
    instance = lxc_host.instance(init="/sbin/quick")

    def start() -> None:
        try:
            lxc_host.load().start_instance(instance)
        except HypervisorError as error:
            assert error.code in {"instance.busy", "operation.already-running"}, error.explain()
            os._exit(7)

    ends = sorted(child.wait() for child in [in_child(start) for _ in range(4)])
    assert ends == [0, 7, 7, 7]
    assert lxc.list_instances() == (instance.name,)
