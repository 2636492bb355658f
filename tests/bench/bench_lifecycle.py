"""Start and hard stop beside lxc-start and lxc-stop -k on the same configuration, in turn."""

from __future__ import annotations

import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

import hvcore

ROUNDS = 60
REST_S = 0.05
pytestmark = pytest.mark.live


def test_start_and_stop(host: hvcore.Host, busybox: Path, tmp_path: Path, timed: Any, report: Any) -> None:
    """Both run with another container alive, as on a node in use; the caller waits until each is done."""
    lxc = host.hypervisor("lxc")
    disks = (hvcore.Disk(str(busybox)),)
    lxc.start_instance(hvcore.Instance("other", "lxc", memory_mib=64, disks=disks))
    instance = hvcore.Instance("bench", "lxc", memory_mib=64, disks=disks)
    peer = _Peer(lxc, instance, busybox, tmp_path)
    starts: tuple[list[float], list[float]] = ([], [])
    stops: tuple[list[float], list[float]] = ([], [])
    try:
        for number in range(ROUNDS):
            turns = [
                (
                    starts[0],
                    stops[0],
                    lambda: lxc.start_instance(instance),
                    lambda: lxc.stop_instance("bench", force=True),
                ),
                (starts[1], stops[1], peer.start, peer.stop),
            ]
            # Neither always follows the other's end.
            for start_times, stop_times, start, stop in turns if number % 2 else reversed(turns):
                start_times.append(timed(start))
                time.sleep(REST_S)
                stop_times.append(timed(stop))
                time.sleep(REST_S)
    finally:
        peer.remove()
    report("start_instance / lxc-start", *starts)
    report("stop_instance(force) / lxc-stop -k", *stops)


class _Peer:
    """lxc-start and lxc-stop on a copy of the configuration, with cgroups of its own."""

    def __init__(self, lxc: hvcore.Hypervisor, instance: hvcore.Instance, busybox: Path, place: Path) -> None:
        self.lxcpath = Path("/tmp") / f"hvp{uuid.uuid4().hex[:6]}"
        self.group = f"hvbench-{self.lxcpath.name}"
        (self.lxcpath / "bench").mkdir(parents=True)
        (text,) = lxc.plan_start(instance).documents.values()
        lines: list[str] = []
        for line in text.splitlines():
            key = line.partition(" = ")[0]
            own = {
                "lxc.rootfs.path": f"dir:{busybox}",
                "lxc.cgroup.dir.container": f"{self.group}/ct",
                "lxc.cgroup.dir.monitor": f"{self.group}/mon",
                "lxc.cgroup.dir.monitor.pivot": self.group,
                "lxc.console.logfile": str(place / "console"),
            }.get(key)
            lines.append(f"{key} = {own}" if own else line)
        (self.lxcpath / "bench" / "config").write_text("\n".join(lines) + "\n")
        self.log = place / "log"

    def start(self) -> None:
        command = ["lxc-start", "-P", str(self.lxcpath), "-n", "bench", "-o", str(self.log), "-l", "INFO"]
        subprocess.run(command, check=True)

    def stop(self) -> None:
        subprocess.run(["lxc-stop", "-k", "-P", str(self.lxcpath), "-n", "bench"], check=True)

    def remove(self) -> None:
        subprocess.run(["lxc-stop", "-k", "-P", str(self.lxcpath), "-n", "bench"], check=False, capture_output=True)
        time.sleep(0.2)
        for hierarchy in Path("/sys/fs/cgroup").iterdir():
            top = hierarchy / self.group
            if top.is_dir():
                for child in (path for path in top.iterdir() if path.is_dir()):
                    child.rmdir()
                top.rmdir()
        (self.lxcpath / "bench" / "config").unlink()
        (self.lxcpath / "bench").rmdir()
        self.lxcpath.rmdir()
        lock = Path(f"/run/lxc/lock{self.lxcpath}")
        (lock / ".bench").unlink(missing_ok=True)
        if lock.is_dir():
            lock.rmdir()
