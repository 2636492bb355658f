"""Managers that are killed: whoever comes next puts the node in order, whatever the moment was."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.system.commands import Handle, Runner
from hvcore.testing.faults import FailAt, KillAt
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.steps import STEPS

pytestmark = pytest.mark.live

TAKEN = [(step, moment) for step in STEPS for moment in ("begin", "done")]
TAKEN_BACK = [(step, moment) for step in STEPS for moment in ("undo", "undone")]
KILLED = -signal.SIGKILL


class KilledRunner(Runner):
    """Kills the manager as soon as lxc-start runs."""

    def spawn(self, argv: Sequence[str], **keywords: Any) -> Handle:
        handle = super().spawn(argv, **keywords)
        if argv[0] == "lxc-start":
            os.kill(os.getpid(), signal.SIGKILL)
        return handle


@pytest.fixture
def instance(lxc_host: LiveHost, own_directory: Path) -> Instance:
    """A definition with a directory and an image, so that there are mounts and a loop device to leave behind."""
    image = own_directory / "data.img"
    image.touch()
    os.truncate(image, 4 << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", image], check=True)
    disks = [Disk(str(lxc_host.root), read_only=True), Disk(str(image), mount_point="/mnt")]
    return lxc_host.instance(init="/sbin/quick", disks=disks)


class Successor:
    """Whoever comes after a manager that was killed."""

    def __init__(self, lxc: Hypervisor, leak_check: LeakCheck, until: Callable[..., Any]) -> None:
        self._lxc = lxc
        self._leak_check = leak_check
        self._until = until

    def recovers(self, instance: Instance, found: str) -> None:
        """See ``recover`` take everything back, and have nothing to do the second time."""
        [recovery] = self._lxc.recover().recoveries
        assert (recovery.instance, recovery.left_behind) == (instance.name, ())
        assert found in recovery.found
        self.finds_nothing()

    def finds_nothing(self) -> None:
        # Any other container that is being started on this node holds a copy of the image's mount for an instant.
        self._until(lambda: "loop devices" not in self._leak_check.left())
        self._leak_check.check()
        assert self._lxc.recover().recoveries == ()
        assert self._lxc.list_instances() == ()

    def starts(self, instance: Instance) -> None:
        """See a start of the same name work at once, and a stop leave nothing."""
        self._lxc.start_instance(instance)
        self.has_it_running(instance)
        self.stops(instance)

    def has_it_running(self, instance: Instance) -> None:
        assert self._lxc.list_instances() == (instance.name,)
        done = self._lxc.exec_in_instance(instance.name, ["sh", "-c", "echo alive > /mnt/file && cat /mnt/file"])
        assert done.stdout == b"alive\n"

    def stops(self, instance: Instance) -> None:
        self._lxc.stop_instance(instance.name, force=True)
        self.finds_nothing()

    def cleans_up(self, instance: Instance) -> None:
        self._lxc.cleanup_instance(instance.name)
        self.finds_nothing()

    def follows(self, way: str, instance: Instance, found: str) -> None:
        if way == "recover":
            self.recovers(instance, found)
        else:
            {"start": self.starts, "stop": self.stops, "cleanup": self.cleans_up}[way](instance)


@pytest.fixture
def successor(lxc: Hypervisor, leak_check: LeakCheck, until: Callable[..., Any]) -> Successor:
    return Successor(lxc, leak_check, until)


@pytest.mark.parametrize("way", ["recover", "start"])
@pytest.mark.parametrize(("step", "moment"), TAKEN)
def test_a_manager_killed_in_a_start(
    lxc_host: LiveHost, instance: Instance, in_child: Any, successor: Successor, step: str, moment: str, way: str
) -> None:
    dying = lxc_host.load(prepare=KillAt((step, moment)).prepare)
    child = in_child(lambda: dying.start_instance(instance))
    assert child.wait() == KILLED
    successor.follows(way, instance, f"a start that process {child.pid} did not finish")


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("way", ["recover", "start", "stop", "cleanup"])
def test_a_manager_killed_while_lxc_starts_the_container(
    lxc_host: LiveHost, instance: Instance, in_child: Any, successor: Successor, way: str, paused: bool
) -> None:
    """Nobody waits for lxc-start any more, and it goes on by itself."""
    dying = lxc_host.load(prepare=lambda context: evolve(context, runner=KilledRunner()))
    child = in_child(lambda: dying.start_instance(instance, startup_paused=paused))
    assert child.wait() == KILLED
    successor.follows(way, instance, f"a start that process {child.pid} did not finish")


@pytest.mark.parametrize("way", ["recover", "start"])
@pytest.mark.parametrize(("step", "moment"), TAKEN_BACK)
def test_a_manager_killed_while_it_takes_a_failed_start_back(
    lxc_host: LiveHost, instance: Instance, in_child: Any, successor: Successor, step: str, moment: str, way: str
) -> None:
    fail, kill = FailAt(("container", "done"), error=OSError("injected")), KillAt((step, moment))
    dying = lxc_host.load(prepare=lambda context: kill.prepare(fail.prepare(context)))
    child = in_child(lambda: dying.start_instance(instance))
    assert child.wait() == KILLED
    if (step, moment, way) == ("state", "undone", "recover"):
        # All was taken back; the lock's file is the next holder's to remove.
        assert lxc_host.load().recover().recoveries == ()
        successor.finds_nothing()
    else:
        successor.follows(way, instance, f"a start that process {child.pid} did not finish")


@pytest.mark.parametrize("way", ["recover", "start", "stop"])
@pytest.mark.parametrize(("step", "moment"), TAKEN_BACK)
def test_a_manager_killed_in_a_stop(
    lxc: Hypervisor,
    lxc_host: LiveHost,
    instance: Instance,
    in_child: Any,
    successor: Successor,
    step: str,
    moment: str,
    way: str,
) -> None:
    lxc.start_instance(instance)
    dying = lxc_host.load(prepare=KillAt((step, moment)).prepare)
    child = in_child(lambda: dying.stop_instance(instance.name, force=True))
    assert child.wait() == KILLED
    if (step, moment) == ("container", "undo"):
        # Nothing was ended yet, so the guest runs on, and a start would be refused.
        assert lxc.recover().recoveries == ()
        successor.has_it_running(instance)
        successor.stops(instance)
    elif (step, moment, way) == ("state", "undone", "recover"):
        assert lxc.recover().recoveries == ()
        successor.finds_nothing()
    else:
        successor.follows(way, instance, f"a stop that process {child.pid} did not finish")


@pytest.mark.parametrize("way", ["recover", "start", "stop", "cleanup"])
@pytest.mark.parametrize("moment", ["undo", "undone", "begin", "done"])
def test_a_manager_killed_in_a_reboot(
    lxc: Hypervisor, lxc_host: LiveHost, instance: Instance, in_child: Any, successor: Successor, moment: str, way: str
) -> None:
    lxc.start_instance(instance)
    dying = lxc_host.load(prepare=KillAt(("container", moment)).prepare)
    child = in_child(lambda: dying.reboot_instance(instance.name))
    assert child.wait() == KILLED
    successor.follows(way, instance, f"a start that process {child.pid} did not finish")


@pytest.mark.parametrize("way", ["recover", "start"])
def test_a_recovery_that_is_killed_is_recovered_from(
    lxc_host: LiveHost, instance: Instance, in_child: Any, successor: Successor, way: str
) -> None:
    """Every try is killed one step later than the one before."""
    dying = lxc_host.load(prepare=KillAt(("container", "done")).prepare)
    first = in_child(lambda: dying.start_instance(instance))
    assert first.wait() == KILLED
    for step in reversed(STEPS):
        trying = lxc_host.load(prepare=KillAt((step, "undo")).prepare)
        child = in_child(trying.recover)
        assert child.wait() == KILLED, step
    successor.follows(way, instance, f"a start that process {first.pid} did not finish")


@pytest.mark.parametrize("seed", range(10))
def test_a_manager_killed_at_any_moment_of_a_start(
    lxc: Hypervisor,
    lxc_host: LiveHost,
    instance: Instance,
    in_child: Any,
    successor: Successor,
    paths: LxcPaths,
    seed: int,
) -> None:
    chance = random.Random(seed)
    began = time.monotonic()
    lxc.start_instance(instance)
    usual_s = time.monotonic() - began
    successor.stops(instance)
    manager = lxc_host.load()
    child = in_child(lambda: manager.start_instance(instance))
    # Whatever moment this turns out to be, the same must hold afterwards.
    time.sleep(chance.uniform(0, usual_s))
    child.kill()
    assert child.wait() in {0, KILLED}
    # A kill in the first moment leaves nothing to recover, one in the last a running instance.
    is_running = '"running"' in read(paths.instance_dir(instance.name) / "journal")
    report = lxc.recover()
    assert report.is_clean
    if is_running:
        assert report.recoveries == ()
        successor.has_it_running(instance)
        successor.stops(instance)
    successor.finds_nothing()
    successor.starts(instance)


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
