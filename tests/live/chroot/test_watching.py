"""Statistics and events of chroots: what their processes and the freezer's cgroup tell."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from hvcore.hypervisor import Hypervisor
from hvcore.testing.fixtures import LiveHost

pytestmark = pytest.mark.live

PATIENCE_S = 20.0


def test_its_processes_are_summed_up(chroot: Hypervisor, start: Any, until: Any) -> None:
    instance = start()
    before = chroot.instance_stats(instance)
    assert before is not None
    assert before.memory.used_bytes
    assert before.tasks
    busy = "(while :; do :; done) >/dev/null 2>&1 &"
    chroot.exec_in_instance(instance, ["/bin/sh", "-c", busy])

    def used() -> float:
        stats = chroot.instance_stats(instance)
        assert stats is not None
        return stats.cpu.seconds

    until(lambda: used() >= before.cpu.seconds + 0.05)
    assert [stats.name for stats in chroot.all_instances_stats()] == [instance.name]
    chroot.stop_instance(instance, force=True)
    assert chroot.instance_stats(instance) is None


def test_the_end_of_its_last_process_is_told(chroot: Hypervisor, chroot_host: LiveHost, start: Any) -> None:
    with chroot_host.load().watch_events() as watch:
        instance = start()
        kinds = [watch.wait(PATIENCE_S) for _ in range(2)]
        assert [event and str(event.kind) for event in kinds] == ["starting", "started"]
        chroot.exec_in_instance(instance, ["/bin/sh", "-c", "sleep 86400 >/dev/null 2>&1 &"])
        while pids := pids_of(chroot, instance.name):
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        event = watch.wait(PATIENCE_S)
        assert event is not None
        assert (event.instance, str(event.kind), str(event.reason)) == (instance.name, "stopped", "unknown")
        chroot.recover()
        assert watch.wait(0) is None


def pids_of(chroot: Hypervisor, name: str) -> list[int]:
    root = f"{chroot.context.instance_dir(name)}/rootfs"
    found: list[int] = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.readlink(f"/proc/{entry}/root") == os.path.realpath(root):
                found.append(int(entry))
        except OSError:
            continue
    return found
