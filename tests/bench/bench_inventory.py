"""Describing all running containers: beside a floor that only reads the same kernel files, and beside lxc-ls -f."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.system.cgroup_layout import CgroupLayout, current_layout

ROUNDS = 9
pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]


@pytest.mark.parametrize("count", [100, 500])
def test_all_instances_info(count: int, host: hvcore.Host, busybox: Path, timed: Any, report: Any) -> None:
    """The floor opens, reads and closes the very files, and makes nothing of them."""
    lxc = host.hypervisor("lxc")
    for number in range(count):
        lxc.start_instance(
            hvcore.Instance(
                f"i{number}", "lxc", memory_mib=32, parameters={"num_ttys": 0}, disks=(hvcore.Disk(str(busybox)),)
            )
        )
    state_dir = host.settings.state_dir / "lxc"
    files = _files(current_layout(), lxc)
    assert len(lxc.get_all_instances_info()) == count
    ours, floor, one = [], [], []
    for _ in range(ROUNDS):
        ours.append(timed(lxc.get_all_instances_info))
        floor.append(timed(lambda: _read(files)))
        one.append(timed(lambda: lxc.get_instance_info("i7")))
    report(f"get_all_instances_info of {count} / reading the same kernel files", ours, floor)
    report(f"get_instance_info among {count} / its share of all", one, [value / count for value in ours])
    peer = [timed(lambda: _list_with_lxc(state_dir)) for _ in range(3)]
    report(f"lxc-ls -f / get_all_instances_info of {count}", peer, ours[:3])
    report("lxc-ls -f / reading the same kernel files", peer, floor[:3])


def _files(layout: CgroupLayout, lxc: hvcore.Hypervisor) -> list[str]:
    """The files of all containers, as the hypervisor reads them."""
    parent = next(
        line.rpartition(" ")[2].rpartition("/")[0]
        for document in lxc.plan_start(hvcore.Instance("p", "lxc", disks=(hvcore.Disk("/"),))).documents.values()
        for line in document.splitlines()
        if line.startswith("lxc.cgroup.dir.container")
    )
    kinds = {
        "freezer": ["cgroup.procs", "freezer.state"],
        "memory": ["memory.limit_in_bytes"],
        "cpuacct": ["cpuacct.usage"],
        "cpu": ["cpu.cfs_quota_us", "cpu.cfs_period_us"],
    }
    names = os.listdir(f"{layout.controllers['freezer']}/{parent}")
    groups = [name for name in names if name.startswith("ct-")]
    files = [
        f"{layout.controllers[controller]}/{parent}/{group}/{file}"
        for group in groups
        for controller, wanted in kinds.items()
        for file in wanted
    ]
    pids = [info.pid for info in lxc.get_all_instances_info()]
    return files + [f"/proc/{pid}/status" for pid in pids]


def _read(files: list[str]) -> None:
    for file in files:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        os.read(descriptor, 4096)
        os.close(descriptor)


def _list_with_lxc(lxcpath: Path) -> None:
    subprocess.run(["lxc-ls", "-f", "-P", str(lxcpath)], check=True, capture_output=True)
