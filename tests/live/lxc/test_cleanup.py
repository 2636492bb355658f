"""Cleaning up after guests that have ended, any number of times."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from hvcore.errors import OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]


def test_a_running_instance_is_not_cleaned_up(lxc: Hypervisor, running: Running, paths: LxcPaths) -> None:
    instance = running()
    with pytest.raises(OperationFailed, match="runs") as caught:
        lxc.cleanup_instance(instance.name)
    assert caught.value.resolution
    assert lxc.list_instances() == (instance.name,)
    assert paths.definition(instance.name).is_file()


def test_cleaning_up_nothing_any_number_of_times(lxc: Hypervisor, unique_tag: str, leak_check: Any) -> None:
    for _ in range(3):
        lxc.cleanup_instance(f"{unique_tag}-nothing")
    leak_check.check()


def test_cleaning_up_after_a_stop(lxc: Hypervisor, running: Running, leak_check: Any) -> None:
    instance = running()
    lxc.stop_instance(instance.name, force=True)
    lxc.cleanup_instance(instance.name)
    leak_check.check()


@pytest.mark.parametrize("verb", ["cleanup", "recover", "stop", "start"])
def test_after_the_guest_switched_itself_off(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, paths: LxcPaths, until: Any, leak_check: Any, verb: str
) -> None:
    """Every command that comes next puts the node in order; the guest may have called reboot(2) or just ended its init."""
    instance = running(drop_capabilities=("sys_admin",))
    lxc.exec_in_instance(instance.name, ["poweroff", "-f"] if verb in {"cleanup", "stop"} else ["kill", "-TERM", "1"])
    until(lambda: lxc.get_instance_info(instance.name) is None)
    assert lxc.list_instances() == ()
    assert paths.definition(instance.name).is_file()
    if verb == "cleanup":
        lxc.cleanup_instance(instance.name)
    elif verb == "stop":
        lxc.stop_instance(instance.name)
    elif verb == "recover":
        [recovery] = lxc.recover().recoveries
        assert recovery.instance == instance.name
        assert "guest has ended" in recovery.found
        assert recovery.left_behind == ()
    else:
        lxc.start_instance(instance)
        assert lxc.list_instances() == (instance.name,)
        lxc.stop_instance(instance.name, force=True)
    leak_check.check()


def test_recovery_leaves_running_instances_alone(
    lxc: Hypervisor, running: Running, until: Any, kernel: Any, paths: LxcPaths
) -> None:
    stays, ends, orphan = (
        running("stays"),
        running("ends"),
        running("orphan", init="/sbin/deaf", extra_config="lxc.monitor.signal.pdeath = 0"),
    )
    lxc.pause_instance(stays.name)
    [monitor] = kernel.monitors(paths.lxcpath, orphan.name)
    os.kill(monitor, 9)
    lxc.exec_in_instance(ends.name, ["kill", "-TERM", "1"])
    until(lambda: lxc.get_instance_info(ends.name) is None)
    assert [recovery.instance for recovery in lxc.recover().recoveries] == [ends.name]
    assert lxc.recover().recoveries == ()
    assert lxc.list_instances() == tuple(sorted((stays.name, orphan.name)))


def test_recovery_of_one_busy_instance_waits_for_nobody(lxc: Hypervisor, running: Running, lxc_host: LiveHost) -> None:
    from concurrent.futures import ThreadPoolExecutor

    instance = running()
    with lxc.context.locks.hold(instance.name, "stop_instance"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(lxc_host.load().recover).result().recoveries == ()


def test_a_journal_nobody_understands_does_not_keep_the_others(
    lxc: Hypervisor, running: Running, until: Any, paths: LxcPaths, leak_check: Any
) -> None:
    strange, ends = running("astrange"), running("ends")
    journal = paths.instance_dir(strange.name) / "journal"
    kept = journal.read_text()
    journal.write_text('{"phase": "hibernating", "pid": 1}\n')
    lxc.exec_in_instance(ends.name, ["kill", "-TERM", "1"])
    until(lambda: lxc.get_instance_info(ends.name) is None)
    report = lxc.recover()
    assert [recovery.instance for recovery in report.recoveries] == [strange.name, ends.name]
    assert not report.is_clean
    assert "hibernating" in report.recoveries[0].left_behind[0]
    assert report.recoveries[1].left_behind == ()
    journal.write_text(kept)


@pytest.mark.parametrize("lost", ["journal", "definition.json", "config", "init.pid", "everything"])
def test_a_stop_manages_without_files_that_were_lost(
    lxc: Hypervisor, running: Running, paths: LxcPaths, leak_check: Any, lost: str
) -> None:
    instance = running()
    directory = paths.instance_dir(instance.name)
    for name in ("journal", "definition.json", "config", "init.pid") if lost == "everything" else (lost,):
        (directory / name).unlink()
    assert lxc.list_instances() == (instance.name,)
    lxc.stop_instance(instance.name, timeout_s=20)
    leak_check.check()


def test_lost_files_are_restored(lxc: Hypervisor, running: Running, paths: LxcPaths) -> None:
    instance = running()
    assert lxc.verify_instance(instance)
    definition, config = (path(instance.name).read_text() for path in (paths.definition, paths.config))
    paths.definition(instance.name).unlink()
    paths.config(instance.name).unlink()
    assert not lxc.verify_instance(instance)
    lxc.restore_instance(instance)
    assert lxc.verify_instance(instance)
    assert (definition, config) == (
        paths.definition(instance.name).read_text(),
        paths.config(instance.name).read_text(),
    )


def test_a_damaged_definition_is_told_and_does_not_keep_from_stopping(
    lxc: Hypervisor, running: Running, paths: LxcPaths, leak_check: Any
) -> None:
    instance = running()
    paths.definition(instance.name).write_text('{"instance": ')
    with pytest.raises(OperationFailed) as caught:
        lxc.get_instance_definition(instance.name)
    assert caught.value.code == "operation.state"
    assert lxc.get_instance_info(instance.name) is not None
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()
