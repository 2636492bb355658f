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
    lxc.start_instance(_instance(0, busybox))
    alone = [timed(lambda: lxc.get_instance_info("i0")) for _ in range(ROUNDS)]
    for number in range(1, count):
        lxc.start_instance(_instance(number, busybox))
    state_dir = host.settings.state_dir / "lxc"
    files = _files(current_layout(), lxc)
    assert len(lxc.get_all_instances_info()) == count
    first, again, floor, peer = [], [], [], []
    for number in range(ROUNDS):
        fresh = hvcore.load(settings=host.settings).hypervisor("lxc")
        first.append(timed(fresh.get_all_instances_info))
        again.append(timed(lxc.get_all_instances_info))
        floor.append(timed(lambda: _read(files)))
        if number % 2 == 0:
            peer.append(timed(lambda: _list_with_lxc(state_dir)))
    one = [timed(lambda: lxc.get_instance_info("i0")) for _ in range(ROUNDS)]
    report(f"get_all_instances_info of {count}, first call / reading the same kernel files", first, floor)
    report(f"get_all_instances_info of {count}, next calls / reading the same kernel files", again, floor)
    report(f"lxc-ls -f / get_all_instances_info of {count}, first call", peer, first[::2])
    report(f"lxc-ls -f / get_all_instances_info of {count}, next calls", peer, again[::2])
    report(f"get_instance_info of one among {count} / of one alone", one, alone)


def _instance(number: int, root: Path) -> hvcore.Instance:
    return hvcore.Instance(
        f"i{number}", "lxc", memory_mib=32, parameters={"num_ttys": 0}, disks=(hvcore.Disk(str(root)),)
    )


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
