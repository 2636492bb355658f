"""What the verbs add to the hooks: defaults, checks, locks, capabilities and context. The hooks: ``tests/contract``."""

from __future__ import annotations

import inspect
import math
import threading
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

from hvcore.errors import (
    Busy,
    HookFailed,
    HypervisorError,
    InvalidInput,
    InvalidParameter,
    MissingRequirement,
    OperationFailed,
    StateFailed,
    Unsupported,
)
from hvcore.hypervisor import Hypervisor
from hvcore.model.capability import Capability, Support
from hvcore.model.instance import BlockDevice, Disk, Instance
from hvcore.model.parameters import NONNEGATIVE_INT, Parameter, ParameterType
from hvcore.plugin import BaseHypervisor, HypervisorPlugin, hookimpl
from hvcore.scope import Scope
from hvcore.spec.contract import CONTRACT_SPECS
from hvcore.spec.kinds import Kind
from hvcore.system.locks import InstanceLocks

if TYPE_CHECKING:
    from tests.core.conftest import MakeHost


class Driver(BaseHypervisor):
    PARAMETERS = (
        Parameter("count", ParameterType.INT, 3, "how many", check=NONNEGATIVE_INT),
        Parameter("name", ParameterType.STRING, "", "a word"),
    )
    seen: Any = None

    @hookimpl
    def start_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> None:
        self.seen = instance, block_devices, startup_paused

    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        raise OperationFailed("the kernel refused", step="freeze")

    @hookimpl
    def resume_instance(self, instance_name: str) -> None:
        raise ZeroDivisionError


class Waits(BaseHypervisor):
    """A driver whose soft stop gives the lock away while it waits."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.waiting, self.go_on = threading.Event(), threading.Event()
        self.order: list[str] = []

    @hookimpl
    def stop_instance(
        self, instance: Instance | None, name: str, force: bool, retry: bool, timeout_s: float | None
    ) -> None:
        if not force:
            with self.context.locks.yielded(name, "stop_instance"):
                self.waiting.set()
                assert self.go_on.wait(30)
        self.order.append("forced" if force else "soft")


Make = Callable[..., Hypervisor]


@pytest.fixture
def make(make_host: MakeHost) -> Make:
    def make(driver: Any = Driver, extensions: Any = ()) -> Hypervisor:
        plugin = HypervisorPlugin("toy", "a toy", driver)
        return make_host(plugin, extensions={"toy": extensions}).hypervisor("toy")

    return make


def the_driver(hypervisor: Hypervisor) -> Any:
    return hypervisor.scope.members[-1].implementation


# Defaults and checks.


def test_a_definition_is_filled_in_and_keeps_what_it_says(make: Make) -> None:
    toy = make()
    ready = toy.prepare_instance(Instance("web1", "toy", parameters={"name": "x"}))
    assert dict(ready.parameters) == {"count": 3, "name": "x"}
    assert dict(toy.prepare_instance(ready).parameters) == dict(ready.parameters)
    assert toy.fill_parameters({"count": "4"}, {"count": 5}) == {"count": 5, "name": ""}


def test_a_start_finds_the_devices_at_the_disks_own_paths(make: Make) -> None:
    toy = make()
    disks = (Disk("/srv/root"), Disk("/srv/data", mount_point="/data"))
    toy.start_instance(Instance("web1", "toy", disks=disks))
    _, devices, paused = the_driver(toy).seen
    assert devices == tuple(BlockDevice(disk, disk.path) for disk in disks)
    assert paused is False


def test_bad_parameters_reach_neither_driver_nor_lock(make: Make) -> None:
    toy = make()
    for parameters in ({"count": -1}, {"count": "many"}, {"cuont": 1}):
        with pytest.raises(InvalidParameter) as caught:
            toy.start_instance(Instance("web1", "toy", parameters=parameters))
        error = caught.value
        assert (error.hypervisor, error.operation, error.instance) == ("toy", "start_instance", "web1")
        assert error.exit_status == 2
    assert the_driver(toy).seen is None
    assert not toy.context.locks.directory.exists()


@pytest.mark.parametrize("timeout_s", [-1, -0.001, math.nan, math.inf])
def test_a_stop_refuses_a_time_that_cannot_be_waited(make: Make, timeout_s: float) -> None:
    with pytest.raises(InvalidInput, match="is no time to wait") as caught:
        make(Waits).stop_instance("web1", timeout_s=timeout_s)
    assert caught.value.key == "timeout_s"


def test_a_stop_needs_one_name_and_not_two(make: Make) -> None:
    toy = make(Waits)
    with pytest.raises(InvalidInput, match="stop_instance needs an instance or a name"):
        toy.stop_instance()
    for instance in ("web1", Instance("web1", "toy")):
        with pytest.raises(InvalidInput, match="the instance is web1, not web2"):
            toy.stop_instance(instance, name="web2")
    toy.stop_instance("web1", force=True, name="web1")
    assert the_driver(toy).order == ["forced"]


def test_a_command_is_a_list_of_words(make: Make) -> None:
    with pytest.raises(InvalidInput, match="the command is one text") as caught:
        make().exec_in_instance("web1", "ls -l")
    assert caught.value.allowed == "a list of the program and its arguments"


# Locks.


def test_a_verb_that_changes_an_instance_is_busy_at_once_while_another_works_on_it(make: Make) -> None:
    toy = make()
    elsewhere = InstanceLocks(toy.context.locks.directory)
    with elsewhere.hold("web1", "reboot_instance"):
        calls: list[Callable[[], None]] = [
            lambda: toy.start_instance(Instance("web1", "toy")),
            lambda: toy.pause_instance("web1"),
            lambda: toy.stop_instance("web1"),
            lambda: toy.cleanup_instance("web1"),
        ]
        for call in calls:
            with pytest.raises(Busy, match=r"web1 is busy: process \d+ \(reboot_instance\)") as caught:
                call()
            assert caught.value.hypervisor == "toy"
            assert caught.value.exit_status == 5
        toy.cleanup_instance("web2")
    toy.cleanup_instance("web1")


def test_the_lock_is_free_again_after_a_failure(make: Make) -> None:
    toy = make()
    for _ in range(2):
        with pytest.raises(OperationFailed, match="the kernel refused"):
            toy.pause_instance("web1")
    assert list(toy.context.locks.directory.iterdir()) == []


def test_a_forced_stop_overtakes_a_soft_one_that_waits_for_the_guest(make: Make) -> None:
    toy = make(Waits)
    driver = the_driver(toy)
    soft = threading.Thread(target=toy.stop_instance, args=("web1",))
    soft.start()
    try:
        assert driver.waiting.wait(30)
        toy.stop_instance("web1", force=True)
    finally:
        driver.go_on.set()
        soft.join(30)
    assert driver.order == ["forced", "soft"]
    assert list(toy.context.locks.directory.iterdir()) == []


def test_a_forced_stop_waits_for_whoever_holds_the_lock(make: Make) -> None:
    toy = make(Waits)
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with InstanceLocks(toy.context.locks.directory).hold("web1", "balloon_instance_memory"):
            held.set()
            assert let_go.wait(30)
            the_driver(toy).order.append("ballooned")

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(30)
    forced = threading.Thread(target=toy.stop_instance, args=("web1",), kwargs={"force": True})
    forced.start()
    let_go.set()
    other.join(30)
    forced.join(30)
    assert the_driver(toy).order == ["ballooned", "forced"]


# What it says of itself.


def test_capabilities_name_every_operation_and_why_one_is_missing(make: Make) -> None:
    found = {capability.operation: capability for capability in make().capabilities()}
    hooks = Scope("toy", CONTRACT_SPECS).hooks
    commands = {hook.name for hook in hooks if hook.declaration.kind is Kind.COMMAND}
    assert set(found) == commands
    assert (found["pause_instance"].support, found["pause_instance"].reason) == (Support.YES, "")
    assert found["migrate_instance"].support is Support.NO
    assert found["migrate_instance"].reason == "toy does not implement it"


class OnAPoorNode(Driver):
    @hookimpl
    def capabilities(self) -> tuple[Capability, ...]:
        return (
            Capability("pause_instance", Support.NO, "no freezer", "boot with one"),
            Capability("start_instance", Support.LIMITED, "not paused"),
            Capability("migrate_instance", Support.LIMITED, "slow"),
        )


def test_a_driver_says_what_the_node_keeps_it_from(make: Make) -> None:
    found = {capability.operation: capability for capability in make(OnAPoorNode).capabilities()}
    assert found["pause_instance"] == Capability("pause_instance", Support.NO, "no freezer", "boot with one")
    assert found["start_instance"] == Capability("start_instance", Support.LIMITED, "not paused")
    assert found["resume_instance"].support is Support.YES
    # What is not implemented at all is not made possible by a limit.
    assert found["migrate_instance"].reason == "toy does not implement it"


def test_an_extension_may_know_of_more_limits(make: Make) -> None:
    class Policy:
        @hookimpl(wrapper=True)
        def capabilities(self) -> Generator[None, tuple[Capability, ...], tuple[Capability, ...]]:
            limits = yield
            return (*limits, Capability("start_instance", Support.NO, "not on Mondays"))

    found = {capability.operation: capability for capability in make(OnAPoorNode, extensions=[Policy()]).capabilities()}
    assert found["start_instance"] == Capability("start_instance", Support.NO, "not on Mondays")
    assert found["pause_instance"].reason == "no freezer"


def test_a_driver_that_speaks_of_no_operation_is_named(make: Make) -> None:
    class Misspelt(Driver):
        @hookimpl
        def capabilities(self) -> tuple[Capability, ...]:
            return (Capability("pause_instanse", Support.NO),)

    with pytest.raises(HookFailed, match="limits 'pause_instanse', which is no operation of toy") as caught:
        make(Misspelt).capabilities()
    assert (caught.value.hypervisor, caught.value.operation) == ("toy", "capabilities")


def test_what_is_missing_comes_before_a_lock_that_may_not_be_made(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("hvcore.system.locks.os.open", refuse)
    toy = make(OnAPoorNode)
    with pytest.raises(MissingRequirement, match="no freezer") as caught:
        toy.pause_instance("web1")
    error = caught.value
    assert (error.hypervisor, error.operation, error.instance) == ("toy", "pause_instance", "web1")
    assert error.resolution == "boot with one"
    assert "cannot make the lock" in error.details[0]
    # Where the operation would do, the lock is what is told.
    with pytest.raises(StateFailed, match="cannot make the lock"):
        toy.resume_instance("web1")


def test_a_lock_that_fails_for_another_reason_is_told_as_such(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hvcore.system.locks.os.open", full)
    with pytest.raises(StateFailed, match="No space left"):
        make(OnAPoorNode).pause_instance("web1")


def test_an_extension_may_add_an_operation_but_a_wrapper_adds_none(make: Make) -> None:
    class Adds:
        @hookimpl
        def hotplug_supported(self, instance: Instance) -> None:
            """Say yes."""

        @hookimpl(wrapper=True)
        def migrate_instance(self) -> Generator[None, None, None]:
            yield

    toy = make(extensions=[Adds()])
    found = {capability.operation: capability.support for capability in toy.capabilities()}
    assert (found["hotplug_supported"], found["migrate_instance"]) == (Support.YES, Support.NO)
    toy.hotplug_supported(Instance("web1", "toy"))
    with pytest.raises(Unsupported) as caught:
        toy.migrate_instance(Instance("web1", "toy"), "192.0.2.2")
    error = caught.value
    assert (error.hypervisor, error.operation, error.instance, error.exit_status) == (
        "toy",
        "migrate_instance",
        "web1",
        3,
    )


def test_no_not_implemented_error_reaches_a_caller(make: Make) -> None:
    toy = make(BaseHypervisor)
    calls: list[Callable[[], object]] = [
        lambda: toy.start_instance(Instance("web1", "toy")),
        toy.list_instances,
        toy.get_all_instances_info,
        toy.verify,
        lambda: toy.get_instance_info("web1"),
        lambda: toy.exec_in_instance("web1", ["true"]),
        lambda: toy.balloon_instance_memory(Instance("web1", "toy"), 64),
        lambda: toy.reboot_instance("web1"),
    ]
    for call in calls:
        with pytest.raises(Unsupported):
            call()


def test_errors_name_hypervisor_verb_instance_and_step(make: Make) -> None:
    with pytest.raises(OperationFailed) as caught:
        make().pause_instance("web1")
    error = caught.value
    assert (error.hypervisor, error.operation, error.instance, error.step) == (
        "toy",
        "pause_instance",
        "web1",
        "freeze",
    )
    with pytest.raises(HookFailed, match="resume_instance raised ZeroDivisionError") as broken:
        make().resume_instance(Instance("web1", "toy"))
    assert (broken.value.operation, broken.value.instance) == ("resume_instance", "web1")


def test_an_error_never_carries_a_name_that_could_garble_a_terminal(make: Make) -> None:
    with pytest.raises(HypervisorError) as caught:
        make().pause_instance("a\x1b[2J\nb")
    assert caught.value.instance is None
    assert "\x1b" not in caught.value.explain()


def test_every_public_verb_keeps_its_signature_and_its_words() -> None:
    for name, verb in inspect.getmembers(Hypervisor, inspect.isfunction):
        if not name.startswith("_"):
            assert verb.__name__ == name
            assert verb.__doc__, name
            assert next(iter(inspect.signature(verb).parameters)) == "self"


def test_it_says_its_name(make: Make) -> None:
    assert repr(make()) == "<Hypervisor toy>"
    assert (make().name, make().summary) == ("toy", "a toy")
