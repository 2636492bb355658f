"""A manager that starts, reboots and stops for ever is killed at moments that nobody chooses."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.state import InstanceState
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck

pytestmark = pytest.mark.live

ROUNDS = int(os.environ.get("HVCORE_TEST_KILLS", "20"))


def test_whatever_the_moment_was_the_node_is_in_order(
    lxc: Hypervisor, lxc_host: LiveHost, in_child: Any, leak_check: LeakCheck, own_directory: Path, make_image: Any
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    disks = [Disk(str(lxc_host.root), read_only=True), Disk(str(make_image(with_root=False)), mount_point="/mnt")]
    instance = lxc_host.instance(init="/sbin/quick", disks=disks)

    def manage(start_paused: bool) -> Callable[[], None]:
        def for_ever() -> None:
            manager = lxc_host.load()
            while True:
                manager.start_instance(instance, startup_paused=start_paused)
                manager.resume_instance(instance.name)
                manager.reboot_instance(instance.name)
                manager.stop_instance(instance.name, force=not start_paused)

        return for_ever

    for number in range(ROUNDS):
        child = in_child(manage(chance.random() < 0.5))
        time.sleep(chance.uniform(0.001, 0.2))
        child.kill()
        story = f"seed {seed}, round {number}"
        report = lxc.recover()
        assert report.is_clean, (story, report)
        info = lxc.get_instance_info(instance.name)
        if info is not None:
            # Its journal says that it runs, so it does, and in every respect.
            if info.state is InstanceState.PAUSED:
                lxc.resume_instance(instance.name)
            done = lxc.exec_in_instance(instance.name, ["sh", "-c", "echo alive > /mnt/file && cat /mnt/file"])
            assert done.stdout == b"alive\n", (story, report, done)
            lxc.stop_instance(instance.name, force=True)
        left = leak_check.left()
        assert left == {}, (story, report)
