"""What goes wrong: at any step of a start or a stop, everything is undone or told."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from hvcore.context import DriverContext
from hvcore.errors import HookFailed, HypervisorError, OperationFailed, StateFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck
from hvcore_chroot.steps import STEPS

pytestmark = pytest.mark.live

Start = Callable[..., Instance]
Spot = tuple[str, str]
TAKEN: list[Spot] = [(step, moment) for step in STEPS for moment in ("begin", "done")]


def failing_at(*spots: Spot, cause: BaseException | None = None) -> Callable[[DriverContext], DriverContext]:
    """Return surroundings in which moments of steps fail."""

    def observe(step: str, moment: str) -> None:
        if (step, moment) in spots:
            raise cause or OperationFailed(f"injected at {step} {moment}", resolution="do not inject it")

    return lambda context: evolve(context, observer=observe)


def begun_until(step: str) -> tuple[str, ...]:
    """Return the steps that a start has begun by then, in the order in which they are undone."""
    return STEPS[STEPS.index(step) :: -1]


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize(("step", "moment"), TAKEN)
def test_a_failure_in_a_start_is_undone_completely(
    chroot: Hypervisor, chroot_host: LiveHost, leak_check: LeakCheck, step: str, moment: str, paused: bool
) -> None:
    instance = chroot_host.instance(init_script="/sbin/daemon")
    with pytest.raises(OperationFailed) as caught:
        chroot_host.load(prepare=failing_at((step, moment))).start_instance(instance, startup_paused=paused)
    error = caught.value
    assert (error.message, error.code) == (f"injected at {step} {moment}", "operation")
    assert (error.hypervisor, error.instance) == ("chroot", instance.name)
    assert (error.step, error.operation) == (step, "start_instance")
    assert (error.undone, error.left_behind) == (begun_until(step), ())
    assert error.resolution
    leak_check.check()
    assert chroot.recover().recoveries == ()
    chroot.start_instance(instance)
    chroot.stop_instance(instance.name, force=True)
    leak_check.check()


@pytest.mark.parametrize(
    ("cause", "kind"),
    [(OSError(errno.EIO, os.strerror(errno.EIO)), StateFailed), (RuntimeError("nobody expected this"), HookFailed)],
)
def test_a_failure_of_any_kind_is_undone_completely(
    chroot_host: LiveHost, leak_check: LeakCheck, cause: Exception, kind: type[HypervisorError]
) -> None:
    with pytest.raises(kind) as caught:
        chroot_host.load(prepare=failing_at(("script", "done"), cause=cause)).start_instance(chroot_host.instance())
    assert (caught.value.undone, caught.value.left_behind) == (STEPS[::-1], ())
    leak_check.check()


@pytest.mark.parametrize("step", STEPS)
def test_an_interruption_in_a_start_is_undone_completely(
    chroot_host: LiveHost, leak_check: LeakCheck, step: str
) -> None:
    interrupted = chroot_host.load(prepare=failing_at((step, "done"), cause=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted.start_instance(chroot_host.instance())
    assert f"undone: {', '.join(begun_until(step))}; left behind: nothing" in caught.value.__notes__
    leak_check.check()


@pytest.mark.parametrize("way", ["cleanup", "recover", "start"])
@pytest.mark.parametrize("step", STEPS)
def test_what_could_not_be_undone_after_a_failed_start_is_told_and_finished_later(
    chroot: Hypervisor, chroot_host: LiveHost, leak_check: LeakCheck, step: str, way: str
) -> None:
    instance = chroot_host.instance()
    with pytest.raises(OperationFailed) as caught:
        chroot_host.load(prepare=failing_at(("script", "done"), (step, "undo"))).start_instance(instance)
    error = caught.value
    assert (error.message, error.step) == ("injected at script done", "script")
    assert error.left_behind[0] == f"{step}: injected at {step} undo"
    assert step not in error.undone
    if way == "start":
        chroot.start_instance(instance)
        assert chroot.list_instances() == (instance.name,)
        chroot.stop_instance(instance.name, force=True)
    elif way == "recover":
        assert chroot.recover().is_clean
    else:
        chroot.cleanup_instance(instance.name)
    leak_check.check()
    assert chroot.recover().recoveries == ()


@pytest.mark.parametrize("way", ["cleanup", "stop", "recover"])
@pytest.mark.parametrize("step", STEPS)
def test_a_failure_in_a_stop_is_told_and_finished_later(
    chroot: Hypervisor, chroot_host: LiveHost, start: Start, leak_check: LeakCheck, step: str, way: str
) -> None:
    instance = start("daemon")
    with pytest.raises(OperationFailed) as caught:
        chroot_host.load(prepare=failing_at((step, "undo"))).stop_instance(instance.name, force=True)
    error = caught.value
    assert (error.message, error.step) == (f"injected at {step} undo", step)
    assert (error.operation, error.instance) == ("stop_instance", instance.name)
    assert f"{step}: injected at {step} undo" in error.left_behind
    assert step not in error.undone
    assert chroot.get_instance_definition(instance.name) == chroot.prepare_instance(instance)
    if step == "script" or way == "stop":
        # Its processes are what could not be ended, so it runs on and only a stop will do.
        chroot.stop_instance(instance.name, force=True)
    elif way == "recover":
        assert [recovery.instance for recovery in chroot.recover().recoveries] == [instance.name]
    else:
        chroot.cleanup_instance(instance.name)
    leak_check.check()


@pytest.mark.parametrize(
    "cause",
    [lambda: OperationFailed("injected", resolution="none"), lambda: OSError(errno.EIO, os.strerror(errno.EIO))],
)
@pytest.mark.parametrize("moment", ["begin", "done"])
def test_a_failure_in_a_reboot_takes_the_rest_back(
    chroot: Hypervisor,
    chroot_host: LiveHost,
    start: Start,
    leak_check: LeakCheck,
    cause: Callable[[], Exception],
    moment: str,
) -> None:
    instance = start("orderly")
    with pytest.raises(OperationFailed) as caught:
        chroot_host.load(prepare=failing_at(("script", moment), cause=cause())).reboot_instance(instance.name)
    assert (caught.value.undone, caught.value.left_behind) == (STEPS[::-1], ())
    assert "the guest is down" in (caught.value.resolution or "")
    leak_check.check()


def test_processes_that_cannot_be_ended_are_named_and_the_root_stays(
    chroot: Hypervisor, start: Start, pids: Any, monkeypatch: pytest.MonkeyPatch, leak_check: LeakCheck
) -> None:
    instance = start("orderly")
    [pid] = pids(instance.name)
    with monkeypatch.context() as patch:
        patch.setattr("hvcore.system.cgroup_kill.send_signal", lambda *_: True)
        patch.setattr("hvcore.system.process_end.send_signal", lambda *_: True)
        patch.setattr("hvcore.system.cgroup_kill.write_if_present", lambda *_: False)
        patch.setattr("hvcore_chroot.guest._END_TIMEOUT_S", 0.3)
        patch.setattr("hvcore_chroot.guest.Guest.end.__defaults__", (0.3,))
        with pytest.raises(OperationFailed, match=r"did not end within 0\.3 s") as caught:
            chroot.stop_instance(instance, force=True)
    assert caught.value.step == "script"
    assert any(f"process {pid} (sleep) is in state" in line for line in caught.value.details)
    assert any(item.startswith("mount:") for item in caught.value.left_behind)
    assert pids(instance.name) == [pid]
    chroot.stop_instance(instance, force=True)
    leak_check.check()
