"""Stopping: by asking the guest, by force, by name, and when there is nothing to stop."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from attrs import evolve

from hvcore.errors import Busy, InstanceNotFound, InvalidInput, OperationFailed, StopTimeout
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.model.state import InstanceState
from hvcore.system.journal import Journal, Phase
from hvcore.system.locks import InstanceLocks
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]
KEPT = ("mac_override", "sys_module", "sys_time", "sys_admin")


def phase_is(paths: LxcPaths, name: str, phase: Phase) -> bool:
    state = Journal(paths.instance_dir(name)).read()
    return state is not None and state.phase is phase


def is_waiting(lxc: Hypervisor, paths: LxcPaths, name: str) -> bool:
    """Whether a soft stop has asked the guest and given the lock away."""
    return phase_is(paths, name, Phase.STOPPING) and not (lxc.context.locks.directory / name).exists()


# -- asking the guest --------------------------------------------------------------------------------------------------


def test_busybox_shuts_down_with_and_without_sys_boot(
    lxc: Hypervisor, running: Running, paths: LxcPaths, leak_check: Any
) -> None:
    """Both at once, since BusyBox takes three seconds to end its processes."""
    dropped, kept = running("dropped", init=""), running("kept", init="", drop_capabilities=KEPT)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda instance: lxc.stop_instance(instance, timeout_s=30), (dropped, kept)))
    for instance in (dropped, kept):
        assert "good bye" in paths.console_log(instance.name).read_text()
    assert lxc.list_instances() == ()
    leak_check.check()


def test_a_guest_is_asked_with_the_signal_that_a_parameter_names(
    lxc: Hypervisor, running: Running, paths: LxcPaths
) -> None:
    instance = running(shutdown_signal="SIGPWR")
    lxc.stop_instance(instance.name, timeout_s=20)
    assert lxc.list_instances() == ()


def test_a_guest_that_does_not_listen_is_left_running_until_it_is_forced(
    lxc: Hypervisor, running: Running, paths: LxcPaths, kernel: Any, leak_check: Any
) -> None:
    instance = running(init="/sbin/deaf")
    pid = lxc.get_instance_info(instance.name).pid  # type: ignore[union-attr]
    with pytest.raises(StopTimeout) as caught:
        lxc.stop_instance(instance.name, timeout_s=0.2)
    assert caught.value.code == "operation.stop-timeout"
    assert "force" in str(caught.value.resolution)
    assert f"process {pid}" in caught.value.details[0]
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert (info.pid, info.state) == (pid, InstanceState.RUNNING)
    assert phase_is(paths, instance.name, Phase.RUNNING)
    lxc.stop_instance(instance.name, force=True)
    assert not kernel.is_alive(pid)
    leak_check.check()


def test_a_timeout_of_zero_asks_and_does_not_wait(
    lxc: Hypervisor, running: Running, paths: LxcPaths, until: Any
) -> None:
    instance = running()
    before = time.monotonic()
    with pytest.raises(StopTimeout):
        lxc.stop_instance(running("deaf", init="/sbin/deaf").name, timeout_s=0)
    assert time.monotonic() - before < 10
    try:
        lxc.stop_instance(instance.name, timeout_s=0)
    except StopTimeout:
        until(lambda: lxc.get_instance_info(instance.name) is None)
        lxc.stop_instance(instance.name, timeout_s=0)
    assert not paths.instance_dir(instance.name).exists()


def test_a_retry_waits_without_asking_again(lxc: Hypervisor, running: Running, paths: LxcPaths, until: Any) -> None:
    instance = running(init="/sbin/counts")
    until(lambda: "ready" in paths.console_log(instance.name).read_text())
    for retry in (False, True, True):
        with pytest.raises(StopTimeout):
            lxc.stop_instance(instance.name, retry=retry, timeout_s=0.1)
        until(lambda: "asked" in paths.console_log(instance.name).read_text())
    assert paths.console_log(instance.name).read_text().count("asked") == 1


def test_a_paused_guest_is_thawed_so_that_it_can_hear(lxc: Hypervisor, running: Running, leak_check: Any) -> None:
    instance = running()
    lxc.pause_instance(instance.name)
    lxc.stop_instance(instance.name, timeout_s=20)
    leak_check.check()


def test_a_forced_stop_overtakes_one_that_waits(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, paths: LxcPaths, in_child: Any, until: Any, leak_check: Any
) -> None:
    instance = running(init="/sbin/deaf")
    waiting = in_child(lambda: lxc_host.load().stop_instance(instance.name, timeout_s=600))
    until(lambda: is_waiting(lxc, paths, instance.name))
    lxc.stop_instance(instance.name, force=True)
    assert waiting.wait() == 0
    leak_check.check()


def test_a_second_soft_stop_may_wait_beside_the_first(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, paths: LxcPaths, in_child: Any, until: Any, leak_check: Any
) -> None:
    instance = running(init="/sbin/deaf")
    first = in_child(lambda: lxc_host.load().stop_instance(instance.name, timeout_s=600))
    until(lambda: is_waiting(lxc, paths, instance.name))
    with pytest.raises(StopTimeout):
        lxc.stop_instance(instance.name, timeout_s=0.05)
    lxc.stop_instance(instance.name, force=True)
    assert first.wait() == 0
    leak_check.check()


def test_whoever_starts_it_again_while_a_soft_stop_waits_keeps_it(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, until: Any
) -> None:
    """The guest has ended and the lock is free: whoever comes first may start it again."""
    instance = running()

    class Overtaken(InstanceLocks):
        @contextmanager
        def yielded(self, instance_name: str, operation: str) -> Generator[None]:
            with super().yielded(instance_name, operation):
                yield
                until(lambda: lxc.get_instance_info(instance.name) is None)
                lxc.start_instance(instance)

    slow = lxc_host.load(
        prepare=lambda context: evolve(context, locks=Overtaken(context.locks.directory, context.locks.hypervisor))
    )
    slow.stop_instance(instance.name, timeout_s=20)
    assert lxc.list_instances() == (instance.name,)


def test_a_reboot_that_is_overtaken_by_a_stop_says_so(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, leak_check: Any
) -> None:
    instance = running()

    class Overtaken(InstanceLocks):
        @contextmanager
        def yielded(self, instance_name: str, operation: str) -> Generator[None]:
            with super().yielded(instance_name, operation):
                yield
                lxc.stop_instance(instance_name, force=True)

    slow = lxc_host.load(
        prepare=lambda context: evolve(context, locks=Overtaken(context.locks.directory, context.locks.hypervisor))
    )
    with pytest.raises(OperationFailed, match="was stopped"):
        slow.reboot_instance(instance.name)
    leak_check.check()


def test_a_manager_killed_while_it_waits_for_the_guest(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, paths: LxcPaths, in_child: Any, until: Any
) -> None:
    instance = running(init="/sbin/deaf")
    waiting = in_child(lambda: lxc_host.load().stop_instance(instance.name, timeout_s=600))
    until(lambda: is_waiting(lxc, paths, instance.name))
    waiting.kill()
    assert lxc.list_instances() == (instance.name,)
    assert lxc.recover().recoveries == ()
    lxc.pause_instance(instance.name)
    lxc.stop_instance(instance.name, force=True)


# -- by force ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["running", "paused", "monitor dead", "paused and monitor dead"])
def test_a_hard_stop_ends_everything(
    lxc: Hypervisor, running: Running, paths: LxcPaths, kernel: Any, until: Any, leak_check: Any, what: str
) -> None:
    # Without this key the guest dies with its monitor; with it, it lives on, and LXC itself calls it stopped.
    instance = running(init="/sbin/deaf", extra_config="lxc.monitor.signal.pdeath = 0")
    pid = lxc.get_instance_info(instance.name).pid  # type: ignore[union-attr]
    if "paused" in what:
        lxc.pause_instance(instance.name)
    if "monitor dead" in what:
        [monitor] = kernel.monitors(paths.lxcpath, instance.name)
        os.kill(monitor, 9)
        until(lambda: not kernel.is_alive(monitor))
        assert lxc.list_instances() == (instance.name,)
    lxc.stop_instance(instance.name, force=True)
    assert not kernel.is_alive(pid)
    assert lxc.list_instances() == ()
    leak_check.check()


def test_a_hard_stop_ends_a_guest_full_of_processes(lxc: Hypervisor, running: Running, leak_check: Any) -> None:
    instance = running(memory_mib=256)
    lxc.exec_in_instance(instance.name, ["sh", "-c", "for n in $(seq 150); do sleep 1000 & done >/dev/null 2>&1"])
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()


# -- by name, and nothing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("force", [True, False])
def test_any_process_stops_it_by_name_alone(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, in_child: Any, leak_check: Any, force: bool
) -> None:
    instance = running()
    stopper = in_child(lambda: lxc_host.load().stop_instance(None, name=instance.name, force=force, timeout_s=20))
    assert stopper.wait() == 0
    assert lxc.list_instances() == ()
    leak_check.check()


@pytest.mark.parametrize("force", [True, False])
def test_stopping_nothing_is_no_error(lxc: Hypervisor, unique_tag: str, leak_check: Any, force: bool) -> None:
    lxc.stop_instance(f"{unique_tag}-nothing", force=force)
    lxc.stop_instance(f"{unique_tag}-nothing", force=force, retry=True, timeout_s=0)
    leak_check.check()


def test_stopping_twice_is_no_error(lxc: Hypervisor, running: Running, leak_check: Any) -> None:
    instance = running()
    lxc.stop_instance(instance, force=True)
    lxc.stop_instance(instance, force=True)
    lxc.stop_instance(instance.name, timeout_s=1)
    leak_check.check()


def test_bad_arguments_are_refused_before_anything_is_touched(lxc: Hypervisor, running: Running) -> None:
    instance = running()
    with pytest.raises(InvalidInput):
        lxc.stop_instance()
    with pytest.raises(InvalidInput):
        lxc.stop_instance(instance.name, timeout_s=-1)
    with pytest.raises(InvalidInput):
        lxc.stop_instance("../" + instance.name, force=True)
    assert lxc.list_instances() == (instance.name,)


def test_a_busy_instance_says_who_works_on_it(lxc: Hypervisor, running: Running, lxc_host: LiveHost) -> None:
    instance = running()
    with lxc.context.locks.hold(instance.name, "reboot_instance"), ThreadPoolExecutor(1) as pool:
        failure = pool.submit(lxc_host.load().stop_instance, instance.name).exception()
    assert isinstance(failure, Busy)
    assert failure.exit_status == 5
    assert f"process {os.getpid()} (reboot_instance)" in failure.message


def test_unknown_names_are_told(lxc: Hypervisor, unique_tag: str) -> None:
    for verb in (lxc.reboot_instance, lxc.get_instance_console, lambda name: lxc.balloon_instance_memory(name, 64)):
        with pytest.raises(InstanceNotFound) as caught:
            verb(f"{unique_tag}-nothing")
        assert caught.value.exit_status == 4


def test_threads_of_one_process_stop_it_together(lxc: Hypervisor, running: Running, leak_check: Any) -> None:
    instance = running()
    failures: list[BaseException] = []

    def stop() -> None:
        try:
            lxc.stop_instance(instance.name, force=True)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=stop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    leak_check.check()


def test_a_guest_that_never_ran_hears_it_as_well(lxc: Hypervisor, running: Running, leak_check: Any) -> None:
    """The kernel drops what an init has no handler for, and one that was started paused has none yet."""
    for paused in (True, False, True, False):
        instance = running(paused=paused)
        lxc.stop_instance(instance.name, timeout_s=20)
    leak_check.check()
