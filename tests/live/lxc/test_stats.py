"""Statistics of real containers: each figure moves when the guest does what it counts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.model.state import InstanceState
from hvcore.model.stats import InstanceStats
from hvcore.system.cgroup_layout import CgroupMode, current_layout
from hvcore.system.kernel_files import read_text
from hvcore.testing.fixtures import LiveHost

pytestmark = pytest.mark.live

Running = Callable[..., Instance]
MIB = 2**20

ONLY_VERSION_2 = """
set -e
if [ -n "$UNIFIED" ]; then mount --bind "$UNIFIED" "$SCRATCH"; else mount -t cgroup2 cgroup2 "$SCRATCH"; fi
umount --recursive --lazy /sys/fs/cgroup
mount --bind "$SCRATCH" /sys/fs/cgroup
umount "$SCRATCH"
exec "$PYTHON" -c "$BODY" "$STATE" "$ROOT"
"""
ON_VERSION_2 = """
import json, sys
import hvcore
from hvcore.model.disk import Disk
from hvcore.plugin import hookimpl


class NoLimits:
    def __init__(self, inner):
        self.inner = inner

    def limits(self, instance):
        return ()

    def __getattr__(self, name):
        return getattr(self.inner, name)


class Unlimited:
    @hookimpl(wrapper=True)
    def lxc_cgroups(self):
        return NoLimits((yield))


host = hvcore.load(state_dir=f"{sys.argv[1]}/s", log_dir=f"{sys.argv[1]}/log", extensions={"lxc": [Unlimited()]})
lxc = host.hypervisor("lxc")
name = sys.argv[1].rpartition("/")[2] + "-v2"
lxc.start_instance(hvcore.Instance(name, "lxc", disks=[Disk(sys.argv[2], read_only=True)]))
try:
    lxc.exec_in_instance(name, ["sh", "-c", "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done"])
    print(json.dumps([stats.to_dict() for stats in lxc.all_instances_stats()]))
finally:
    lxc.stop_instance(name, force=True)
"""


def measured(lxc: Hypervisor, instance: Instance) -> InstanceStats:
    stats = lxc.instance_stats(instance)
    assert stats is not None
    assert (stats.name, stats.hypervisor) == (instance.name, "lxc")
    return stats


def in_guest(lxc: Hypervisor, instance: Instance, script: str) -> None:
    assert lxc.exec_in_instance(instance, ["sh", "-c", script]).exit_status == 0


def test_cpu_time_by_mode_and_tasks(lxc: Hypervisor, running: Running, until: Any) -> None:
    instance = running()
    before = measured(lxc, instance)
    in_guest(
        lxc,
        instance,
        "(while :; do :; done) >/dev/null 2>&1 & (while :; do read x </proc/stat; done) >/dev/null 2>&1 &",
    )
    until(lambda: (measured(lxc, instance).cpu.system_seconds or 0) > 0.05)
    until(lambda: (measured(lxc, instance).cpu.user_seconds or 0) > 0.05)
    after = measured(lxc, instance)
    assert after.time_s > before.time_s
    assert after.cpu.seconds >= before.cpu.seconds + 0.1
    assert after.tasks is not None
    assert before.tasks is not None
    assert after.tasks >= before.tasks + 2
    lxc.pause_instance(instance)
    held = measured(lxc, instance)
    assert held.state is InstanceState.PAUSED
    assert measured(lxc, instance).cpu.seconds == held.cpu.seconds


def test_memory_by_kind_and_its_limit(lxc: Hypervisor, running: Running, until: Any) -> None:
    instance = running(memory_mib=64)
    before = measured(lxc, instance).memory
    assert before.limit_bytes == 64 * MIB
    holding = "x=aaaaaaaaaaaaaaaa; while [ ${#x} -lt 8388608 ]; do x=$x$x; done; sleep 86400"
    in_guest(lxc, instance, f"({holding}) >/dev/null 2>&1 &")
    until(lambda: (measured(lxc, instance).memory.anon_bytes or 0) >= (before.anon_bytes or 0) + 4 * MIB)
    after = measured(lxc, instance).memory
    assert (after.used_bytes or 0) >= (before.used_bytes or 0) + 4 * MIB
    assert after.kernel_bytes
    assert after.file_bytes is not None
    lxc.balloon_instance_memory(instance, 128)
    assert measured(lxc, instance).memory.limit_bytes == 128 * MIB


def test_a_process_that_needs_too_much_is_counted(lxc: Hypervisor, running: Running, until: Any) -> None:
    instance = running(memory_mib=16)
    assert measured(lxc, instance).memory.oom_kills == 0
    lxc.exec_in_instance(instance, ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"])
    until(lambda: measured(lxc, instance).memory.oom_kills)


def test_pressure_where_the_kernel_has_it(lxc: Hypervisor, running: Running, until: Any) -> None:
    instance = running()
    has_pressure = current_layout().unified is not None and read_text("/proc/pressure/cpu") is not None
    pressure = measured(lxc, instance).pressure
    assert (pressure is not None) == has_pressure
    if pressure is None:
        return
    in_guest(lxc, instance, "for i in 1 2 3 4 5 6; do (while :; do :; done) >/dev/null 2>&1 & done")

    def stalled_s() -> float:
        now = measured(lxc, instance).pressure
        assert now is not None
        assert now.cpu is not None
        return now.cpu.some.seconds

    first = stalled_s()
    until(lambda: stalled_s() > first + 0.05)


def test_all_in_one_pass_without_a_process(lxc: Hypervisor, lxc_host: LiveHost, running: Running) -> None:
    names = [running(word).name for word in ("a", "b", "c")]
    everyone = lxc_host.load().all_instances_stats()
    assert [stats.name for stats in everyone] == sorted(names)
    lxc.stop_instance(names[1], force=True)
    assert lxc.instance_stats(names[1]) is None
    assert [stats.name for stats in lxc.all_instances_stats()] == [names[0], names[2]]


@pytest.mark.skipif(current_layout().mode is CgroupMode.V2, reason="every other test here runs on version 2")
def test_on_version_2_alone(lxc_host: LiveHost, own_directory: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "UNIFIED": current_layout().unified or "",
        "SCRATCH": str(tmp_path),
        "PYTHON": sys.executable,
        "BODY": ON_VERSION_2,
        "STATE": str(own_directory),
        "ROOT": str(lxc_host.root),
    }
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ONLY_VERSION_2]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    [stats] = json.loads(done.stdout)
    assert re.fullmatch(f"{own_directory.name}-v2", stats["name"])
    assert stats["cpu"]["seconds"] > 0.005
    assert stats["cpu"]["user_seconds"] + stats["cpu"]["system_seconds"] <= stats["cpu"]["seconds"] * 1.01
    assert (stats["pressure"] is None) == (read_text("/proc/pressure/cpu") is None)
    # The machine's controllers are bound to version 1, so version 2 counts no memory here.
    assert stats["memory"]["used_bytes"] is None
