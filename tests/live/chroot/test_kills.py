"""Managers that are killed: whoever comes next puts the node in order, whatever the moment was."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import evolve

from hvcore.context import DriverContext
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import Instance
from hvcore.model.state import InstanceState
from hvcore.system.commands import Handle, Runner
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck
from hvcore_chroot.paths import ChrootPaths
from hvcore_chroot.steps import STEPS

pytestmark = pytest.mark.live

TAKEN = [(step, moment) for step in STEPS for moment in ("begin", "done")]
TAKEN_BACK = [(step, moment) for step in STEPS for moment in ("undo", "undone")]
KILLED = -signal.SIGKILL
ROUNDS = int(os.environ.get("HVCORE_TEST_KILLS", "20"))


def killed_at(step: str, moment: str) -> Callable[[DriverContext], DriverContext]:
    """Return surroundings in which the manager is killed at one moment of one step."""

    def observe(at_step: str, at_moment: str) -> None:
        if (at_step, at_moment) == (step, moment):
            os.kill(os.getpid(), signal.SIGKILL)

    return lambda context: evolve(context, observer=observe)


class KilledRunner(Runner):
    """Kills the manager as soon as the shell runs that enters the instance."""

    def spawn(self, argv: Sequence[str], **keywords: Any) -> Handle:
        handle = super().spawn(argv, **keywords)
        os.kill(os.getpid(), signal.SIGKILL)
        return handle


@pytest.fixture
def instance(chroot_host: LiveHost, make_image: Any) -> Instance:
    """A definition with a directory and an image, so that there are mounts and a loop device to leave behind."""
    image = make_image("data.img", with_root=False, mib=4)
    disks = [Disk(str(chroot_host.root), read_only=True), Disk(str(image), mount_point="/mnt")]
    return chroot_host.instance(init_script="/sbin/daemon", disks=disks)


class Successor:
    """Whoever comes after a manager that was killed."""

    def __init__(self, chroot: Hypervisor, leak_check: LeakCheck, until: Callable[..., Any]) -> None:
        self._chroot = chroot
        self._leak_check = leak_check
        self._until = until

    def recovers(self, instance: Instance, found: str) -> None:
        [recovery] = self._chroot.recover().recoveries
        assert (recovery.instance, recovery.left_behind) == (instance.name, ())
        assert found in recovery.found
        self.finds_nothing()

    def finds_nothing(self) -> None:
        self._until(lambda: "loop devices" not in self._leak_check.left())
        self._leak_check.check()
        assert self._chroot.recover().recoveries == ()
        assert self._chroot.list_instances() == ()

    def starts(self, instance: Instance) -> None:
        self._chroot.start_instance(instance)
        self.has_it_running(instance)
        self.stops(instance)

    def has_it_running(self, instance: Instance) -> None:
        assert self._chroot.list_instances() == (instance.name,)
        done = self._chroot.exec_in_instance(instance.name, ["sh", "-c", "echo alive > /mnt/file && cat /mnt/file"])
        assert done.stdout == b"alive\n"

    def stops(self, instance: Instance) -> None:
        self._chroot.stop_instance(instance.name, force=True)
        self.finds_nothing()

    def cleans_up(self, instance: Instance) -> None:
        self._chroot.cleanup_instance(instance.name)
        self.finds_nothing()

    def follows(self, way: str, instance: Instance, found: str) -> None:
        if way == "recover":
            self.recovers(instance, found)
        else:
            {"start": self.starts, "stop": self.stops, "cleanup": self.cleans_up}[way](instance)


@pytest.fixture
def successor(chroot: Hypervisor, leak_check: LeakCheck, until: Callable[..., Any]) -> Successor:
    return Successor(chroot, leak_check, until)


@pytest.mark.parametrize("way", ["recover", "start"])
@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize(("step", "moment"), TAKEN)
def test_a_manager_killed_in_a_start(
    chroot_host: LiveHost,
    instance: Instance,
    in_child: Any,
    successor: Successor,
    step: str,
    moment: str,
    paused: bool,
    way: str,
) -> None:
    dying = chroot_host.load(prepare=killed_at(step, moment))
    child = in_child(lambda: dying.start_instance(instance, startup_paused=paused))
    assert child.wait() == KILLED
    successor.follows(way, instance, f"a start that process {child.pid} did not finish")


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("way", ["recover", "start", "stop", "cleanup"])
def test_a_manager_killed_while_the_script_is_on_its_way(
    chroot_host: LiveHost, instance: Instance, in_child: Any, successor: Successor, way: str, paused: bool
) -> None:
    """Nobody waits for the shell any more, and it goes on by itself."""
    dying = chroot_host.load(prepare=lambda context: evolve(context, runner=KilledRunner()))
    child = in_child(lambda: dying.start_instance(instance, startup_paused=paused))
    assert child.wait() == KILLED
    successor.follows(way, instance, f"a start that process {child.pid} did not finish")


@pytest.mark.parametrize("way", ["recover", "start", "stop"])
def test_a_manager_killed_while_the_script_takes_its_time(
    chroot_host: LiveHost,
    instance: Instance,
    in_child: Any,
    until: Any,
    successor: Successor,
    log: Any,
    paths: ChrootPaths,
    way: str,
) -> None:
    slow = evolve(instance, parameters={"init_script": "/sbin/hangs-start"})
    child = in_child(lambda: chroot_host.load().start_instance(slow))
    until(lambda: paths.console_log(instance.name).exists() and "I wait" in log(instance.name))
    child.kill()
    successor.follows(way, instance, f"a start that process {child.pid} did not finish")


@pytest.mark.parametrize("way", ["recover", "start"])
@pytest.mark.parametrize(("step", "moment"), TAKEN_BACK)
def test_a_manager_killed_while_it_takes_a_failed_start_back(
    chroot_host: LiveHost, instance: Instance, in_child: Any, successor: Successor, step: str, moment: str, way: str
) -> None:
    def fail_and_die(context: DriverContext) -> DriverContext:
        kill = killed_at(step, moment)(context).observer

        def observe(at_step: str, at_moment: str) -> None:
            if (at_step, at_moment) == ("script", "done"):
                raise OSError("injected")
            kill(at_step, at_moment)

        return evolve(context, observer=observe)

    dying = chroot_host.load(prepare=fail_and_die)
    child = in_child(lambda: dying.start_instance(instance))
    assert child.wait() == KILLED
    if (step, moment, way) == ("state", "undone", "recover"):
        # All was taken back; the lock's file is the next holder's to remove.
        assert chroot_host.load().recover().recoveries == ()
        successor.finds_nothing()
    else:
        successor.follows(way, instance, f"a start that process {child.pid} did not finish")


@pytest.mark.parametrize("way", ["recover", "start", "stop"])
@pytest.mark.parametrize(("step", "moment"), TAKEN_BACK)
def test_a_manager_killed_in_a_stop(
    chroot: Hypervisor,
    chroot_host: LiveHost,
    instance: Instance,
    in_child: Any,
    successor: Successor,
    step: str,
    moment: str,
    way: str,
) -> None:
    chroot.start_instance(instance)
    dying = chroot_host.load(prepare=killed_at(step, moment))
    child = in_child(lambda: dying.stop_instance(instance.name, force=True))
    assert child.wait() == KILLED
    if (step, moment) == ("script", "undo"):
        # Nothing was ended yet, so the guest runs on, and a start would be refused.
        assert chroot.recover().recoveries == ()
        successor.has_it_running(instance)
        successor.stops(instance)
    elif (step, moment, way) == ("state", "undone", "recover"):
        assert chroot.recover().recoveries == ()
        successor.finds_nothing()
    else:
        successor.follows(way, instance, f"a stop that process {child.pid} did not finish")


def test_a_manager_killed_while_it_waits_for_the_scripts_stop(
    chroot: Hypervisor,
    chroot_host: LiveHost,
    instance: Instance,
    in_child: Any,
    until: Any,
    successor: Successor,
    log: Any,
) -> None:
    chroot.start_instance(evolve(instance, parameters={"init_script": "/sbin/hangs-stop"}))
    child = in_child(lambda: chroot_host.load().stop_instance(instance.name))
    until(lambda: "I wait" in log(instance.name))
    child.kill()
    assert chroot.recover().recoveries == ()
    successor.has_it_running(instance)
    successor.stops(instance)


@pytest.mark.parametrize("way", ["recover", "start", "stop", "cleanup"])
@pytest.mark.parametrize("moment", ["undo", "undone", "begin", "done"])
def test_a_manager_killed_in_a_reboot(
    chroot: Hypervisor,
    chroot_host: LiveHost,
    instance: Instance,
    in_child: Any,
    successor: Successor,
    moment: str,
    way: str,
) -> None:
    chroot.start_instance(instance)
    dying = chroot_host.load(prepare=killed_at("script", moment))
    child = in_child(lambda: dying.reboot_instance(instance.name))
    assert child.wait() == KILLED
    successor.follows(way, instance, f"a start that process {child.pid} did not finish")


@pytest.mark.parametrize("way", ["recover", "start"])
def test_a_recovery_that_is_killed_is_recovered_from(
    chroot_host: LiveHost, instance: Instance, in_child: Any, successor: Successor, way: str
) -> None:
    """Every try is killed one step later than the one before."""
    dying = chroot_host.load(prepare=killed_at("script", "done"))
    first = in_child(lambda: dying.start_instance(instance))
    assert first.wait() == KILLED
    for step in reversed(STEPS):
        trying = chroot_host.load(prepare=killed_at(step, "undo"))
        child = in_child(trying.recover)
        assert child.wait() == KILLED, step
    successor.follows(way, instance, f"a start that process {first.pid} did not finish")


@pytest.mark.parametrize("seed", range(10))
def test_a_manager_killed_at_any_moment_of_a_start(
    chroot: Hypervisor,
    chroot_host: LiveHost,
    instance: Instance,
    in_child: Any,
    successor: Successor,
    paths: ChrootPaths,
    seed: int,
) -> None:
    chance = random.Random(seed)
    began = time.monotonic()
    chroot.start_instance(instance)
    usual_s = time.monotonic() - began
    successor.stops(instance)
    manager = chroot_host.load()
    child = in_child(lambda: manager.start_instance(instance))
    # Whatever moment this turns out to be, the same must hold afterwards.
    time.sleep(chance.uniform(0, usual_s))
    child.kill()
    assert child.wait() in {0, KILLED}
    journal = paths.journal(instance.name)
    is_running = journal.exists() and '"running"' in journal.read_text()
    report = chroot.recover()
    assert report.is_clean
    if is_running:
        assert report.recoveries == ()
        successor.has_it_running(instance)
        successor.stops(instance)
    successor.finds_nothing()
    successor.starts(instance)


def test_a_manager_killed_at_moments_that_nobody_chooses(
    chroot: Hypervisor, chroot_host: LiveHost, instance: Instance, in_child: Any, leak_check: LeakCheck
) -> None:
    """It starts, reboots and stops for ever."""
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)

    def manage(start_paused: bool) -> Callable[[], None]:
        def for_ever() -> None:
            manager = chroot_host.load()
            while True:
                manager.start_instance(instance, startup_paused=start_paused)
                manager.resume_instance(instance.name)
                manager.reboot_instance(instance.name)
                manager.stop_instance(instance.name, force=not start_paused)

        return for_ever

    for number in range(ROUNDS):
        child = in_child(manage(chance.random() < 0.5))
        time.sleep(chance.uniform(0.001, 0.3))
        child.kill()
        story = f"seed {seed}, round {number}"
        report = chroot.recover()
        assert report.is_clean, (story, report)
        info = chroot.get_instance_info(instance.name)
        if info is not None:
            # Its journal says that it runs, so it does, and in every respect.
            if info.state is InstanceState.PAUSED:
                chroot.resume_instance(instance.name)
            done = chroot.exec_in_instance(instance.name, ["sh", "-c", "echo alive > /mnt/file && cat /mnt/file"])
            assert done.stdout == b"alive\n", (story, report, done)
            chroot.stop_instance(instance.name, force=True)
        left = leak_check.left()
        assert left == {}, (story, report)
