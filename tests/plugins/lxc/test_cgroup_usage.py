"""Measuring containers, over directories that play the kernel's cgroups."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import hvcore_lxc.cgroup_usage
from hvcore.errors import OperationFailed
from hvcore.model.state import InstanceState
from hvcore.system import kernel_files
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore.testing.cgroup_files import NO_LIMIT_V1, V1_CONTROLLERS, V2_CONTROLLERS
from hvcore.testing.cgroups import FakeCgroups
from hvcore_lxc.cgroup_manager import Usage
from hvcore_lxc.cgroup_usage import UsageReader

PARENT = "hvcore.lxc"
MIB = 1024 * 1024
PIDS = itertools.count(100)


class Machine(FakeCgroups):
    """Hierarchies made of directories, with containers in them."""

    def group(self, controller: str, name: str) -> Path:
        return self.directory(controller, f"{PARENT}/ct-{name}")

    def set(self, controller: str, name: str, file: str, value: object) -> None:
        self.write(controller, f"{PARENT}/ct-{name}", file, value)

    def processes(self, name: str, *pids: int, below: str = "") -> None:
        """Put processes in a container's cgroup in every hierarchy, or in a sub-cgroup of it."""
        self.put(f"{PARENT}/ct-{name}/{below}", *pids)

    @property
    def reader(self) -> UsageReader:
        return UsageReader(PARENT, self.layout)


def on_v1(machine: Machine, name: str = "web1", quota: int = 200_000, cpus: str = "0-3") -> None:
    machine.processes(name, *((20, 10) if name == "web1" else (next(PIDS),)))
    machine.set("freezer", name, "freezer.state", "THAWED")
    machine.set("memory", name, "memory.limit_in_bytes", 256 * MIB)
    machine.set("cpuacct", name, "cpuacct.usage", 1_500_000_000)
    machine.set("cpu", name, "cpu.cfs_quota_us", quota)
    machine.set("cpu", name, "cpu.cfs_period_us", 100_000)
    machine.set("cpuset", name, "cpuset.cpus", cpus)


def on_v2(machine: Machine, name: str = "web1", quota: str = "200000 100000", cpus: str = "0-3") -> None:
    machine.processes(name, *((20, 10) if name == "web1" else (next(PIDS),)))
    machine.set("unified", name, "cgroup.events", "populated 1\nfrozen 0")
    machine.set("unified", name, "memory.max", 256 * MIB)
    machine.set("unified", name, "cpu.stat", "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000")
    machine.set("unified", name, "cpu.max", quota)
    machine.set("unified", name, "cpuset.cpus.effective", cpus)


def v1(root: Path) -> Machine:
    return Machine(root, v1=V1_CONTROLLERS)


def hybrid(root: Path) -> Machine:
    return Machine(root, v1=V1_CONTROLLERS, unified=("hugetlb",))


def v2(root: Path) -> Machine:
    return Machine(root, unified=V2_CONTROLLERS)


def hybrid_with_controllers_on_v2(root: Path) -> Machine:
    """As on a unified machine on which something has bound an old controller."""
    return Machine(root, v1=("net_cls",), unified=("cpuset", "cpu", "memory"))


MACHINES: dict[str, tuple[Callable[[Path], Machine], Callable[..., None]]] = {
    "v1": (v1, on_v1),
    "hybrid": (hybrid, on_v1),
    "v2": (v2, on_v2),
    "net_cls": (hybrid_with_controllers_on_v2, on_v2),
}


@pytest.fixture(params=MACHINES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def machine(kind: str, tmp_path: Path) -> Machine:
    """A machine of every layout, with one running container: web1."""
    build, fill = MACHINES[kind]
    made = build(tmp_path / "cgroup")
    fill(made)
    return made


RUNNING = Usage("web1", InstanceState.RUNNING, (10, 20), 256, 2, 1.5)


def freeze(machine: Machine, state: str = "FROZEN") -> None:
    if "freezer" in machine.layout.controllers:
        machine.set("freezer", "web1", "freezer.state", state)
    else:
        machine.set("unified", "web1", "cgroup.events", "populated 1\nfrozen 1")


def test_running(machine: Machine) -> None:
    assert machine.reader.read("web1") == RUNNING
    assert machine.reader.read_all() == (RUNNING,)
    assert machine.reader.pids("web1") == (10, 20)


def test_paused(machine: Machine) -> None:
    freeze(machine)
    usage = machine.reader.read("web1")
    assert usage is not None
    assert usage.state is InstanceState.PAUSED


def test_a_container_on_its_way_to_being_frozen_is_paused(tmp_path: Path) -> None:
    machine = v1(tmp_path)
    on_v1(machine)
    freeze(machine, "FREEZING")
    usage = machine.reader.read("web1")
    assert usage is not None
    assert usage.state is InstanceState.PAUSED


def test_without_processes_it_does_not_run(machine: Machine) -> None:
    machine.processes("web1")
    assert machine.reader.read("web1") is None
    assert machine.reader.read_all() == ()
    assert machine.reader.pids("web1") == ()


def test_without_a_cgroup_it_does_not_run(machine: Machine) -> None:
    assert machine.reader.read("web2") is None
    assert machine.reader.pids("web2") == ()


def test_several_sorted_by_name_and_nothing_else(kind: str, machine: Machine) -> None:
    fill = MACHINES[kind][1]
    for name in ("web2", "app", "web10", "tasks"):
        fill(machine, name)
    machine.processes("empty")
    for point in machine.layout.hierarchies:
        foreign = Path(point, PARENT, "lxc.payload.foreign")
        foreign.mkdir()
        (foreign / "cgroup.procs").write_text("77\n")
    assert [usage.name for usage in machine.reader.read_all()] == ["app", "tasks", "web1", "web10", "web2"]


def test_before_the_first_container_nothing_is_there(tmp_path: Path) -> None:
    for number, (build, _) in enumerate(MACHINES.values()):
        reader = build(tmp_path / str(number)).reader
        assert (reader.read_all(), reader.read("web1")) == ((), None)


def test_a_guest_that_moved_its_processes_to_sub_cgroups(machine: Machine) -> None:
    machine.processes("web1")
    machine.processes("web1", 1001, below="init.scope")
    machine.processes("web1", 1003, 1002, below="system.slice/cron.service")
    usage = machine.reader.read("web1")
    assert usage is not None
    assert usage.pids == (1001, 1002, 1003)
    assert (usage.memory_mib, usage.vcpus, usage.cpu_seconds) == (256, 2, 1.5)


def test_a_guest_that_moved_some_of_its_processes(machine: Machine) -> None:
    machine.processes("web1", 1001, below="system.slice/cron.service")
    assert machine.reader.pids("web1") == (10, 20, 1001)


def test_a_systemd_guest_stays_visible_where_the_freezer_is_not_its_own(tmp_path: Path) -> None:
    machine = hybrid(tmp_path)
    on_v1(machine)
    # It moves its processes in the hierarchies that it knows; in the freezer they stay where LXC put them.
    for point in machine.layout.hierarchies:
        if not point.endswith("/freezer"):
            (Path(point) / PARENT / "ct-web1/cgroup.procs").write_text("")
    assert machine.reader.read("web1") == RUNNING


def test_processes_of_other_pid_namespaces_are_not_named(machine: Machine) -> None:
    machine.processes("web1", 0, 5)
    assert machine.reader.pids("web1") == (5,)


# -- limits


@pytest.mark.parametrize(("value", "memory_mib"), [(MIB, 1), (MIB - 1, 0), (NO_LIMIT_V1, 0), (5 * MIB + 4096, 5)])
def test_memory_on_version_1(tmp_path: Path, value: int, memory_mib: int) -> None:
    machine = v1(tmp_path)
    on_v1(machine)
    machine.set("memory", "web1", "memory.limit_in_bytes", value)
    usage = machine.reader.read("web1")
    assert usage is not None
    assert usage.memory_mib == memory_mib


def test_no_memory_limit_on_version_2(tmp_path: Path) -> None:
    machine = v2(tmp_path)
    on_v2(machine)
    machine.set("unified", "web1", "memory.max", "max")
    usage = machine.reader.read("web1")
    assert usage is not None
    assert usage.memory_mib == 0


@pytest.mark.parametrize(
    ("quota", "cpus", "vcpus"),
    [(100_000, "0-7", 1), (150_000, "0-7", 2), (300_000, "0", 3), (-1, "0-1,5", 3), (-1, "4", 1), (0, "0-1", 2)],
)
def test_quota_or_mask_on_version_1(tmp_path: Path, quota: int, cpus: str, vcpus: int) -> None:
    machine = v1(tmp_path)
    on_v1(machine, quota=quota, cpus=cpus)
    usage = machine.reader.read("web1")
    assert usage is not None
    assert usage.vcpus == vcpus


@pytest.mark.parametrize(
    ("quota", "cpus", "vcpus"),
    [("100000 100000", "0-7", 1), ("75000 50000", "0-7", 2), ("max 100000", "0-1,5", 3), ("max 100000", "4", 1)],
)
def test_quota_or_mask_on_version_2(tmp_path: Path, quota: str, cpus: str, vcpus: int) -> None:
    machine = v2(tmp_path)
    on_v2(machine, quota=quota, cpus=cpus)
    usage = machine.reader.read("web1")
    assert usage is not None
    assert usage.vcpus == vcpus


def test_without_any_limit_all_the_nodes_cpus_count(tmp_path: Path) -> None:
    machine = v2(tmp_path)
    on_v2(machine)
    for file in ("cpu.max", "cpuset.cpus.effective", "memory.max"):
        (machine.group("unified", "web1") / file).unlink()
    usage = machine.reader.read("web1")
    assert usage is not None
    assert (usage.vcpus, usage.memory_mib) == (os.cpu_count(), 0)


def test_a_mask_that_the_kernel_shows_empty_is_no_limit(tmp_path: Path) -> None:
    machine = v2(tmp_path)
    on_v2(machine, quota="max 100000", cpus="")
    usage = machine.reader.read("web1")
    assert usage is not None
    assert usage.vcpus == os.cpu_count()


def test_what_no_controller_measures_is_zero_and_the_container_still_runs(tmp_path: Path) -> None:
    machine = Machine(tmp_path, v1=("freezer",))
    machine.processes("web1", 10)
    machine.set("freezer", "web1", "freezer.state", "THAWED")
    assert machine.reader.read("web1") == Usage("web1", InstanceState.RUNNING, (10,), 0, os.cpu_count() or 1, 0.0)


def test_version_1_without_a_freezer_is_read_where_there_is_something(tmp_path: Path) -> None:
    machine = Machine(tmp_path, v1=("memory", "cpuacct", "cpu", "cpuset"))
    machine.processes("web1", 10)
    machine.set("memory", "web1", "memory.limit_in_bytes", 64 * MIB)
    machine.set("cpuacct", "web1", "cpuacct.usage", 0)
    machine.set("cpu", "web1", "cpu.cfs_quota_us", 100_000)
    assert machine.reader.read("web1") == Usage("web1", InstanceState.RUNNING, (10,), 64, 1, 0.0)


def test_no_hierarchy_at_all() -> None:
    reader = UsageReader(PARENT, CgroupLayout(CgroupMode.NONE, {}, None, frozenset()))
    assert (reader.read_all(), reader.read("web1"), reader.pids("web1")) == ((), None, ())


# -- gone meanwhile

FILES = {
    "v1": ("memory.limit_in_bytes", "cpuacct.usage", "cpuset.cpus"),
    "v2": ("cpu.stat",),
}


@pytest.mark.parametrize(("layout", "file"), [(layout, file) for layout, files in FILES.items() for file in files])
def test_a_container_that_ends_while_it_is_measured(layout: str, file: str, tmp_path: Path) -> None:
    build, fill = MACHINES[layout]
    machine = build(tmp_path)
    fill(machine)
    fill(machine, "web2")
    if layout == "v1":
        machine.set("cpu", "web1", "cpu.cfs_quota_us", -1)

    def ends_before(read: Callable[[str], str | None]) -> Callable[[str], str | None]:
        def reading(path: str) -> str | None:
            if path.endswith(f"ct-web1/{file}"):
                for point in machine.layout.hierarchies:
                    shutil.rmtree(Path(point, PARENT, "ct-web1"), ignore_errors=True)
            return read(path)

        return reading

    reader = UsageReader(PARENT, machine.layout, ends_before(kernel_files.read_text))
    assert [usage.name for usage in reader.read_all()] == ["web2"]
    assert not machine.group("memory", "web1").exists()


def test_a_container_that_ends_while_its_processes_are_listed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(path: str) -> tuple[int, ...]:
        shutil.rmtree(Path(path).parent)
        return (10, 20)

    monkeypatch.setattr(hvcore_lxc.cgroup_usage, "read_pids", end)
    assert machine.reader.read("web1") is None


def test_containers_that_cannot_be_enumerated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = v1(tmp_path)
    on_v1(machine)

    def denied(path: str) -> list[str]:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", denied)
    with pytest.raises(OperationFailed, match=r"cannot be enumerated in .*/freezer/hvcore.lxc: Permission denied"):
        machine.reader.read_all()
