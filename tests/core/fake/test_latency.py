"""Every step can be made slow and can be made to fail, and both come before anything is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import hvcore
from hvcore.errors import HypervisorError, InvalidParameter, OperationFailed
from hvcore.fake.params import STARTING, STEPS
from hvcore.model.devices import DeviceType
from hvcore.model.disk import Disk
from hvcore.model.migration import MigrationState

Make = Callable[..., Any]
ACCEPTING = ("directory", "definition", "console", "root", "accept")
DELAY_S = 0.125

# What leads to a step, on an instance that was started, by the name of the step.
ON_RUNNING: dict[str, Callable[[Any, Any], object]] = {
    "plan": lambda nodes, one: nodes.source.plan_start(one),
    "validate": lambda nodes, one: nodes.source.validate_parameters(one.parameters),
    "check": lambda nodes, one: nodes.source.verify_instance("web1"),
    "restore": lambda nodes, one: nodes.source.restore_instance("web1"),
    "shutdown": lambda nodes, one: nodes.source.stop_instance("web1"),
    "halt": lambda nodes, one: nodes.source.stop_instance("web1", force=True),
    "cleanup": lambda nodes, one: nodes.source.cleanup_instance("web1"),
    "reboot": lambda nodes, one: nodes.source.reboot_instance("web1"),
    "pause": lambda nodes, one: nodes.source.pause_instance("web1"),
    "resume": lambda nodes, one: nodes.source.resume_instance("web1"),
    "balloon": lambda nodes, one: nodes.source.balloon_instance_memory("web1", 64),
    "recover": lambda nodes, one: nodes.source.recover("web1"),
    "info": lambda nodes, one: nodes.source.get_instance_info("web1"),
    "list": lambda nodes, one: nodes.source.list_instances(one.parameters),
    "node": lambda nodes, one: nodes.source.get_node_info(one.parameters),
    "verify": lambda nodes, one: nodes.source.verify(one.parameters),
    "attach": lambda nodes, one: nodes.source.get_instance_console("web1"),
    "exec": lambda nodes, one: nodes.source.exec_in_instance("web1", ["true"]),
    "describe": lambda nodes, one: nodes.source.migration_info("web1"),
    "resize-disk": lambda nodes, one: nodes.source.resize_disk("web1", Disk("/srv/web1"), 2**30),
    "hot-add": lambda nodes, one: nodes.source.hot_add_device("web1", DeviceType.DISK, MORE, 1),
    "hot-del": lambda nodes, one: nodes.source.hot_del_device("web1", DeviceType.DISK, Disk("/srv/web1"), 0),
    "hot-mod": lambda nodes, one: nodes.source.hot_mod_device("web1", DeviceType.DISK, Disk("/srv/web1"), 0),
    "hotplug": lambda nodes, one: nodes.source.hotplug_supported("web1"),
}
# The same, on one that is being migrated.
ON_MOVING: dict[str, Callable[[Any, Any], object]] = {
    "status": lambda nodes, one: nodes.source.get_migration_status("web1"),
    "finalize-source": lambda nodes, one: nodes.source.finalize_migration_source("web1", True),
    "finalize-target": lambda nodes, one: nodes.target.finalize_migration_dst("web1", "", True),
}
OTHERS: dict[str, Callable[[Any, Any], object]] = {
    **{step: lambda nodes, one: nodes.source.start_instance(one) for step in STARTING},
    "accept": lambda nodes, one: nodes.describe_and_accept(),
    "migrate": lambda nodes, one: (nodes.describe_and_accept(), nodes.source.migrate_instance("web1", nodes.address)),
    "transfer": lambda nodes, one: nodes.begin(),
}
MORE = Disk("/srv/more", mount_point="/more")


def reached(nodes: Any, step: str, wanted: Any) -> Callable[[], object]:
    """Prepare for a step and return the call that leads to it."""
    if step not in STARTING:
        nodes.source.start_instance(wanted, startup_paused=step == "resume")
    if step in ON_MOVING:
        nodes.begin()
    call = {**ON_RUNNING, **ON_MOVING, **OTHERS}[step]
    return lambda: call(nodes, wanted)


def test_every_step_is_tried() -> None:
    assert {**ON_RUNNING, **ON_MOVING, **OTHERS}.keys() == STEPS.keys()


def ignored(call: Callable[[], object]) -> None:
    """Call what may rightly fail once the step is behind it."""
    try:
        call()
    except OperationFailed as error:
        assert error.message != "injected failure"


@pytest.mark.parametrize("step", [step for step in STEPS if step != "transfer"])
def test_a_step_can_be_slow(nodes: Any, instance: Make, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    slept: list[float] = []
    wanted = instance(disks=[Disk("/srv/web1")], parameters={"slow_step": step, "slow_step_delay_s": DELAY_S})
    with monkeypatch.context() as patch:
        patch.setattr("hvcore.fake.faults.time.sleep", lambda seconds: slept.append(seconds))
        call = reached(nodes, step, wanted)
        before = slept.count(DELAY_S)
        ignored(call)
    # The steps of a start, and validate, come anew with every start; some lie on the way of others.
    assert slept.count(DELAY_S) >= before + 1


@pytest.mark.parametrize("step", [step for step in STEPS if step not in {"transfer", *STARTING, "validate"}])
def test_a_step_can_fail(nodes: Any, instance: Make, step: str) -> None:
    wanted = instance(disks=[Disk("/srv/web1")], parameters={"fail_step": step})
    call = reached(nodes, step, wanted)
    with pytest.raises(OperationFailed, match="injected failure") as caught:
        call()
    error: HypervisorError = caught.value
    assert (error.step, error.hypervisor) == (step, "fake")
    assert error.operation
    assert error.resolution
    nodes.source.stop_instance("web1", force=True)
    for node in (nodes.source, nodes.target):
        node.recover()
    assert nodes.here.remains() == []


@pytest.mark.parametrize("step", [*STARTING, "validate"])
def test_a_start_can_fail(nodes: Any, instance: Make, step: str) -> None:
    with pytest.raises(OperationFailed, match="injected failure") as caught:
        nodes.source.start_instance(instance(parameters={"fail_step": step}))
    assert caught.value.step == step
    assert nodes.here.remains() == []


@pytest.mark.parametrize("step", ACCEPTING)
def test_making_ready_can_fail_at_every_step(nodes: Any, instance: Make, step: str) -> None:
    nodes.source.start_instance(instance())
    info = nodes.source.migration_info("web1")
    with pytest.raises(OperationFailed, match="injected failure") as caught:
        nodes.target.accept_instance(instance(parameters={"fail_step": step}), info, nodes.address)
    assert caught.value.undone == tuple(reversed(ACCEPTING[: ACCEPTING.index(step) + 1]))
    assert nodes.there.remains() == []


def test_a_transfer_can_break_off(nodes: Any, instance: Make) -> None:
    nodes.source.start_instance(instance(memory_mib=128, parameters={"fail_step": "transfer"}))
    nodes.begin()
    status = nodes.source.get_migration_status("web1")
    assert (status.status, status.progress) == (MigrationState.FAILED, 0.5)


def test_a_name_that_is_no_step_is_refused(fake: Any, instance: Make) -> None:
    for parameter in ("fail_step", "slow_step"):
        with pytest.raises(InvalidParameter, match="must be one of"):
            fake.start_instance(instance(parameters={parameter: "bot"}))


def test_what_is_asked_for_is_told(fake: Any) -> None:
    told = fake.assess_parameters({"slow_step": "boot", "slow_step_delay_s": 2, "fail_step": "pause"})
    assert told == ("slow_step: boot will take 2 s longer", "fail_step: pause will fail")
    assert fake.assess_parameters({"slow_step": "boot"}) == ()


def test_questions_are_slow_and_fail_for_those_who_ask_so(fake: Any) -> None:
    for step, verb in {
        "list": fake.get_all_instances_info,
        "node": fake.get_node_info,
        "verify": fake.verify,
    }.items():
        with pytest.raises(OperationFailed, match="injected failure"):
            verb({"fail_step": step})
        verb()
    with pytest.raises(OperationFailed, match="injected failure"):
        fake.get_instance_info(hvcore.Instance("web1", "fake"), {"fail_step": "info"})
