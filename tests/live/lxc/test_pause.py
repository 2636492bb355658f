"""Pausing and resuming."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hvcore.errors import NotRunning, OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.model.state import InstanceState
from hvcore.testing.fixtures import LiveHost

pytestmark = pytest.mark.live

Running = Callable[..., Instance]
BUSY = "while :; do :; done"


def test_a_paused_guest_uses_no_cpu_time(lxc: Hypervisor, running: Running, kernel: Any, until: Any) -> None:
    instance = running()
    lxc.exec_in_instance(instance.name, ["sh", "-c", f"({BUSY}) >/dev/null 2>&1 &"])

    def used() -> int:
        info = lxc.get_instance_info(instance.name)
        assert info is not None
        return int(kernel.value(info.pid, "cpuacct", "cpuacct.usage"))

    first = used()
    until(lambda: used() > first)
    lxc.pause_instance(instance.name)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert info.state is InstanceState.PAUSED
    frozen_at = used()
    # Another instance gets through a whole life meanwhile.
    running("other")
    lxc.stop_instance(running("third").name, force=True)
    assert used() == frozen_at
    lxc.resume_instance(instance.name)
    until(lambda: used() > frozen_at)


def test_both_may_be_repeated(lxc: Hypervisor, running: Running) -> None:
    instance = running()
    for verb, state in (
        (lxc.pause_instance, InstanceState.PAUSED),
        (lxc.pause_instance, InstanceState.PAUSED),
        (lxc.resume_instance, InstanceState.RUNNING),
        (lxc.resume_instance, InstanceState.RUNNING),
    ):
        verb(instance)
        info = lxc.get_instance_info(instance.name)
        assert info is not None
        assert info.state is state
        assert [one.state for one in lxc.get_all_instances_info()] == [state]
        assert lxc.list_instances() == (instance.name,)


def test_what_does_not_run_cannot_be_paused(lxc: Hypervisor, lxc_host: LiveHost, leak_check: Any) -> None:
    for verb in (lxc.pause_instance, lxc.resume_instance):
        with pytest.raises(NotRunning) as caught:
            verb(lxc_host.instance().name)
        assert caught.value.exit_status == 4
    leak_check.check()


def test_nothing_can_be_run_in_a_paused_guest(lxc: Hypervisor, running: Running) -> None:
    instance = running()
    lxc.pause_instance(instance.name)
    with pytest.raises(OperationFailed, match="paused") as caught:
        lxc.exec_in_instance(instance.name, ["true"])
    assert "resume" in str(caught.value.resolution)
