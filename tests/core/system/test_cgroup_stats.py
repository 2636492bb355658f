"""The statistics of a cgroup, on every layout."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hvcore.errors import OperationFailed
from hvcore.model.stats import BlockIoStats, CpuStats, MemoryStats, Pressure, PressureStats, Stall
from hvcore.system import cgroup_stats
from hvcore.system.cgroup_stats import GroupStats, read_group_stats
from hvcore.system.kernel_files import read_text
from hvcore.testing.cgroups import FakeCgroups

GROUP = "guests/web1"
CALM = Pressure(Stall(0.0, 0.0, 0.0, 0.0), Stall(0.0, 0.0, 0.0, 0.0))
TIGHT = "some avg10=1.00 avg60=2.00 avg300=3.00 total=4000000\n"


@pytest.fixture(autouse=True)
def ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup_stats.os, "sysconf", {"SC_CLK_TCK": 100}.__getitem__)


def fill_v1(machine: FakeCgroups) -> None:
    machine.put(GROUP, 10)
    for controller, file, text in (
        ("cpuacct", "cpuacct.usage", "1500000000"),
        ("cpuacct", "cpuacct.stat", "user 100\nsystem 50"),
        ("cpu", "cpu.stat", "nr_periods 10\nnr_throttled 4\nthrottled_time 2500000000"),
        ("memory", "memory.usage_in_bytes", "4096"),
        ("memory", "memory.limit_in_bytes", "8192"),
        ("memory", "memory.memsw.limit_in_bytes", "12288"),
        ("memory", "memory.kmem.usage_in_bytes", "512"),
        ("memory", "memory.stat", "cache 1\nrss 2\nswap 3\ntotal_cache 1024\ntotal_rss 2048\ntotal_swap 256"),
        ("memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3"),
        ("blkio", "blkio.throttle.io_service_bytes_recursive", "8:0 Read 10\n8:0 Write 20\nTotal 30"),
        ("blkio", "blkio.throttle.io_serviced_recursive", "8:0 Read 1\n8:0 Write 2\nTotal 3"),
        ("pids", "pids.current", "5"),
        ("pids", "pids.max", "100"),
    ):
        machine.write(controller, GROUP, file, text)


def fill_v2(machine: FakeCgroups) -> None:
    machine.put(GROUP, 10)
    throttling = "nr_periods 10\nnr_throttled 4\nthrottled_usec 2500000"
    for file, text in (
        ("cpu.stat", f"usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n{throttling}"),
        ("memory.current", "4096"),
        ("memory.max", "8192"),
        ("memory.swap.current", "256"),
        ("memory.swap.max", "4096"),
        ("memory.stat", "anon 2048\nfile 1024\nkernel 512\nslab 99"),
        ("memory.events", "low 0\noom 4\noom_kill 3"),
        ("io.stat", "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0"),
        ("pids.current", "5"),
        ("pids.max", "100"),
        ("io.pressure", TIGHT),
    ):
        machine.write("unified", GROUP, file, text)


FULL = GroupStats(
    cpu=CpuStats(1.5, 1.0, 0.5, 10, 4, 2.5),
    memory=MemoryStats(4096, 2048, 1024, 512, 8192, 256, 4096, 3),
    block_io=BlockIoStats(10, 20, 1, 2),
    tasks=5,
    tasks_limit=100,
    pressure=None,
)


def test_version_1(tmp_path: Path) -> None:
    machine = FakeCgroups.v1(tmp_path)
    fill_v1(machine)
    assert read_group_stats(machine.layout, GROUP) == FULL


def test_hybrid_has_pressure_beside_version_1(tmp_path: Path) -> None:
    machine = FakeCgroups.hybrid(tmp_path)
    fill_v1(machine)
    stats = read_group_stats(machine.layout, GROUP)
    assert stats.pressure == PressureStats(CALM, CALM, CALM)
    assert (stats.cpu, stats.memory, stats.block_io) == (FULL.cpu, FULL.memory, FULL.block_io)


def test_version_2(tmp_path: Path) -> None:
    machine = FakeCgroups.v2(tmp_path)
    fill_v2(machine)
    stats = read_group_stats(machine.layout, GROUP)
    assert stats.pressure == PressureStats(CALM, CALM, Pressure(Stall(1.0, 2.0, 3.0, 4.0)))
    assert (stats.cpu, stats.memory, stats.block_io) == (FULL.cpu, FULL.memory, FULL.block_io)
    assert (stats.tasks, stats.tasks_limit) == (5, 100)


@pytest.mark.parametrize("make", [FakeCgroups.v1, FakeCgroups.hybrid, FakeCgroups.v2])
def test_no_limit_is_none(tmp_path: Path, make: Callable[[Path], FakeCgroups]) -> None:
    machine = make(tmp_path)
    machine.put(GROUP, 10)
    stats = read_group_stats(machine.layout, GROUP)
    assert (stats.memory.limit_bytes, stats.memory.swap_limit_bytes, stats.tasks_limit) == (None, None, None)
    assert stats.memory.used_bytes == stats.tasks == stats.memory.oom_kills == 0


@pytest.mark.parametrize("make", [FakeCgroups.v1, FakeCgroups.hybrid, FakeCgroups.v2])
def test_a_group_that_is_gone_has_nothing(tmp_path: Path, make: Callable[[Path], FakeCgroups]) -> None:
    gone = read_group_stats(make(tmp_path).layout, "guests/gone")
    assert gone == GroupStats(None, MemoryStats(), None, None, None, None)


def test_without_controllers_there_is_the_core_of_version_2(tmp_path: Path) -> None:
    machine = FakeCgroups.v2(tmp_path, ())
    machine.put(GROUP, 10)
    stats = read_group_stats(machine.layout, GROUP)
    assert stats.cpu == CpuStats(0.0, 0.0, 0.0)
    assert stats.memory == MemoryStats()
    assert stats.pressure is not None


def test_before_5_18_the_kernels_memory_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    machine = FakeCgroups.v2(tmp_path)
    machine.put(GROUP, 10)
    machine.write("unified", GROUP, "memory.stat", "anon 1\nfile 1\nkernel_stack 10\npercpu 20\nslab 30")
    assert read_group_stats(machine.layout, GROUP).memory.kernel_bytes == 60


def test_older_version_1_counts_io_without_sub_groups(tmp_path: Path) -> None:
    machine = FakeCgroups.v1(tmp_path)
    fill_v1(machine)
    for name in ("io_service_bytes", "io_serviced"):
        file = machine.directory("blkio", GROUP) / f"blkio.throttle.{name}_recursive"
        file.rename(file.with_name(f"blkio.throttle.{name}"))
    assert read_group_stats(machine.layout, GROUP).block_io == FULL.block_io


def test_a_kernel_that_was_told_not_to_measure_pressure_refuses_to_read_it(tmp_path: Path) -> None:
    machine = FakeCgroups.v2(tmp_path)
    fill_v2(machine)

    def refusing(path: str) -> str | None:
        if path.endswith(".pressure"):
            cause = OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
            raise OperationFailed(f"{path} cannot be read") from cause
        return read_text(path)

    assert read_group_stats(machine.layout, GROUP, refusing) == FULL
