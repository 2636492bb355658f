"""The host among plugins that are good, broken, blocked and at odds."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, cast

import pytest

from hvcore.discovery import HYPERVISORS_GROUP, Selection
from hvcore.errors import (
    HookConflict,
    HookFailed,
    InvalidPlugin,
    MissingRequirement,
    OperationFailed,
)
from hvcore.model.info import InstanceInfo
from hvcore.model.plugins import InstalledPlugin
from hvcore.model.state import InstanceState
from hvcore.plugin import BaseHypervisor, ContractWarning, DriverContext, Extension, HypervisorPlugin, choose, hookimpl
from hvcore.settings import Settings
from hvcore.spec.params import ParamsSpec

if TYPE_CHECKING:
    from tests.core.conftest import MakeHost, Site

GOOD = """
    from hvcore.plugin import BaseHypervisor, HypervisorPlugin, hookimpl

    class Driver(BaseHypervisor):
        @hookimpl
        def list_instances(self, parameters):
            return ("one",)

    plugin = HypervisorPlugin("good", "a good one", Driver)
    """

EXTENSION = """
    from hvcore.plugin import hookimpl

    class Listener:
        @hookimpl
        def instance_stopped(self, instance_name):
            pass

    listener = Listener()
    number = 42
    """


class Driver(BaseHypervisor):
    @hookimpl
    def get_all_instances_info(self, parameters: Any) -> tuple[InstanceInfo, ...]:
        return (InstanceInfo("web1", self.context.name, InstanceState.RUNNING, 128, 1, 0.5),)


class Listener:
    @hookimpl
    def instance_stopped(self, instance_name: str) -> None:
        """Hear it."""


class Steps:
    @choose(since="1.0")
    def toy_step(self) -> str | None:
        raise NotImplementedError


class Step:
    def __init__(self, answer: str = "default") -> None:
        self.answer = answer

    @hookimpl
    def toy_step(self) -> str | None:
        return self.answer


class Other(Step):
    """Another step."""


def toy(name: str = "toy", driver: Any = Driver, **fields: Any) -> HypervisorPlugin:
    return HypervisorPlugin(name, f"a {name}", driver, **fields)


def default_step(context: DriverContext) -> list[object]:
    return [Step()]


def misspelt_step(context: DriverContext) -> list[object]:
    return [MarkedWrong()]


def class_for_object(context: DriverContext) -> Any:
    return Driver


# Hypervisors.


def test_two_plugins_of_one_name_are_a_conflict(make_host: MakeHost, site: Site) -> None:
    modules = {"good_plugin": GOOD}
    site.install("hvcore-a", {HYPERVISORS_GROUP: {"good": "good_plugin:plugin"}}, modules=modules)
    site.install("hvcore-b", {HYPERVISORS_GROUP: {"good": "good_plugin:plugin"}})
    both = make_host(discover=True)
    with pytest.raises(HookConflict, match="claimed by hvcore-a 1.0 and hvcore-b 1.0") as caught:
        both.hypervisor("good")
    assert caught.value.hypervisor == "good"
    report = both.plugins()
    assert {b.distribution for b in report.broken if b.name == "good"} == {"hvcore-a 1.0", "hvcore-b 1.0"}
    settings = Settings(selection=Selection(denied=frozenset({"hvcore-b"})))
    one = make_host(discover=True, settings=settings)
    assert one.hypervisor("good").list_instances() == ("one",)
    shown = {p.distribution: p for p in one.plugins().hypervisors if p.name == "good"}
    assert shown["hvcore-a 1.0"].summary == "a good one"
    assert "list_instances" in shown["hvcore-a 1.0"].hooks
    assert shown["hvcore-b 1.0"] == InstalledPlugin(
        HYPERVISORS_GROUP, "good", "hvcore-b 1.0", disabled="disabled by HVCORE_DISABLE"
    )


def test_a_hypervisor_of_a_newer_contract_works_with_a_note(make_host: MakeHost) -> None:
    newer = make_host(toy(contract="1.1"))
    with pytest.warns(ContractWarning, match="driver 'toy' of this process: it is written for contract 1.1"):
        hypervisor = newer.hypervisor("toy")
    assert hypervisor.get_all_instances_info()
    [shown] = newer.plugins().hypervisors
    assert shown.contract == "1.1"
    assert shown.notes[0].startswith("it is written for contract 1.1; this hvcore speaks 1.0")


class MarkedWrong:
    @hookimpl
    def toy_stpe(self) -> str | None:
        return None


def fail(error: BaseException) -> Callable[[DriverContext], Any]:
    def make(context: DriverContext) -> Any:
        raise error

    return make


def calls_a_hook(context: DriverContext) -> BaseHypervisor:
    context.scope.command(ParamsSpec.get_parameters)
    return Driver(context)


@pytest.mark.parametrize(
    ("plugin", "error", "message"),
    [
        (toy(driver=fail(ZeroDivisionError("one\ntwo"))), InvalidPlugin, "ZeroDivisionError: one two"),
        (toy(driver=fail(SystemExit(1))), InvalidPlugin, "SystemExit: 1"),
        (toy(driver=fail(MissingRequirement("no cgroups"))), MissingRequirement, "no cgroups"),
        (toy(driver=calls_a_hook), HookFailed, "called before the scope of toy was sealed"),
        (toy(driver=class_for_object), InvalidPlugin, "it is the class Driver, not an object"),
        (toy(defaults=fail(ValueError("no"))), InvalidPlugin, "'toy' of this process cannot be used: ValueError: no"),
        (toy(steps=(Steps,), defaults=misspelt_step), InvalidPlugin, "no hook 'toy_stpe'"),
        (toy(steps=(Driver,)), InvalidPlugin, "Driver cannot specify hooks of toy"),
        (toy(steps=(Steps, Steps)), InvalidPlugin, "Steps cannot specify hooks of toy"),
        (toy(steps=(object,)), InvalidPlugin, "object cannot specify hooks of toy"),
        (toy("Toy"), InvalidPlugin, "'Toy'"),
        (toy("../toy"), InvalidPlugin, "'../toy'"),
        (toy("all"), InvalidPlugin, "hvcore.all is another group"),
        (toy("hypervisors"), InvalidPlugin, "hvcore.hypervisors is another group"),
        (toy(contract="2.0"), InvalidPlugin, "needs contract 2.0; this hvcore speaks 1.0"),
        (toy(contract="one"), InvalidPlugin, "states the contract 'one', which is no version"),
    ],
)
def test_a_broken_hypervisor_is_shown_with_the_reason_and_stops_nobody(
    make_host: MakeHost, plugin: HypervisorPlugin, error: type[Exception], message: str
) -> None:
    mixed = make_host(plugin, toy("fine"))
    with pytest.raises(error) as caught:
        mixed.hypervisor(plugin.name)
    assert message in str(caught.value)
    assert getattr(caught.value, "hypervisor", None) == plugin.name
    report = mixed.plugins()
    assert [p.name for p in report.hypervisors] == ["fine"]
    [broken] = report.broken
    assert broken.name == plugin.name
    assert message in broken.reason
    assert "Traceback" in broken.traceback
    answers = mixed.all_instances()
    assert isinstance(answers[plugin.name], error)
    assert isinstance(answers["fine"], tuple)


def test_an_entry_point_that_names_something_else_is_invalid(make_host: MakeHost, site: Site) -> None:
    modules = {"good_plugin": GOOD, "my_extension": EXTENSION}
    group = {"number": "my_extension:number", "renamed": "good_plugin:plugin", "bad": "not_there:plugin"}
    site.install("hvcore-wrong", {HYPERVISORS_GROUP: group}, modules=modules)
    wrong = make_host(discover=True)
    with pytest.raises(InvalidPlugin, match="'number' of hvcore-wrong 1.0 is of type int, not a HypervisorPlugin"):
        wrong.hypervisor("number")
    with pytest.raises(
        InvalidPlugin, match="calls its hypervisor 'good' in the plugin and 'renamed' in the entry point"
    ):
        wrong.hypervisor("renamed")
    with pytest.raises(InvalidPlugin, match="'bad' of hvcore-wrong 1.0 cannot be imported: ModuleNotFoundError"):
        wrong.hypervisor("bad")
    assert {b.name for b in wrong.plugins().broken if b.distribution == "hvcore-wrong 1.0"} == set(group)


def test_extensions_are_good_broken_blocked_or_unused_and_all_are_shown(make_host: MakeHost, site: Site) -> None:
    ours = "my_extension:listener"
    broken = {"import-fails": "not_there:x", "wrong-type": "my_extension:number", "a-class": "my_extension:Listener"}
    site.install("hvcore-mix", {"hvcore.toy": {"good": ours} | broken}, modules={"my_extension": EXTENSION})
    site.install("hvcore-blocked", {"hvcore.toy": {"blocked": ours}})
    site.install("hvcore-one", {"hvcore.toy": {"same": ours}})
    site.install("hvcore-two", {"hvcore.all": {"same": ours}})
    site.install("hvcore-every", {"hvcore.all": {"every": ours}})
    site.install("hvcore-far", {"hvcore.vmware": {"far": ours}})
    site.install("hvcore-torn", "[hvcore.toy]\nno equals sign here\n")
    settings = Settings(selection=Selection(denied=frozenset({"hvcore-blocked", "chroot", "lxc", "fake"})))
    mixed = make_host(toy(), toy("tic"), discover=True, settings=settings)
    hypervisor = mixed.hypervisor("toy")
    assert [m.name for m in hypervisor.scope.members] == ["every", "good", "toy"]
    report = mixed.plugins()
    names = {b.name: b.reason for b in report.broken}
    assert set(names) == {*broken, "same", "hvcore-torn"}
    assert "ModuleNotFoundError" in names["import-fails"]
    assert "it answers no hook" in names["wrong-type"]
    assert "it is the class Listener" in names["a-class"]
    assert {b.distribution for b in report.broken if b.name == "same"} == {"hvcore-one 1.0", "hvcore-two 1.0"}
    assert all(b.resolution and "Traceback" in b.traceback for b in report.broken)
    shown = {p.name: p for p in report.extensions}
    assert shown["good"].hooks == ("instance_stopped",)
    assert shown["good"].disabled == ""
    assert shown["every"].hooks == ("instance_stopped",)
    assert shown["blocked"].disabled == "disabled by HVCORE_DISABLE"
    assert shown["far"].disabled == "its hypervisor is not in use"
    assert [p.name for p in report.hypervisors if not p.disabled] == ["tic", "toy"]


STEP = """
    from hvcore.plugin import hookimpl

    class Step:
        @hookimpl
        def toy_step(self):
            return "mine"

    step = Step()
    """


def test_an_extension_of_all_that_does_not_fit_one_stops_neither(make_host: MakeHost, site: Site) -> None:
    site.install("hvcore-step", {"hvcore.all": {"step": "step_module:step"}}, modules={"step_module": STEP})
    settings = Settings(selection=Selection(denied=frozenset({"chroot", "fake", "lxc"})))
    toys = (toy(steps=(Steps,), defaults=default_step), toy("tic"))
    mixed = make_host(*toys, discover=True, settings=settings)
    assert mixed.hypervisor("toy").scope.choose(Steps.toy_step) == "mine"
    assert mixed.hypervisor("tic").get_all_instances_info()
    [broken] = mixed.plugins().broken
    assert "tic has no hook 'toy_step'" in broken.reason
    assert f"{site.directory}/step_module.py:5" in broken.reason


@pytest.mark.parametrize("group", ["tic", "all"])
def test_an_extension_that_the_caller_hands_over_must_fit(make_host: MakeHost, group: str) -> None:
    own = make_host(toy("tic"), extensions={group: [Other("mine")]})
    with pytest.raises(InvalidPlugin, match="extension 'Other' of this process: tic has no hook 'toy_step'"):
        own.hypervisor("tic")
    assert [b.name for b in own.plugins().broken] == ["tic"]
    unused = make_host(toy("tic"), extensions={"tac": [Listener()]})
    assert unused.plugins().extensions[0].disabled == "its hypervisor is not in use"


def test_an_extension_that_answers_the_drivers_command_is_left_out(make_host: MakeHost, site: Site) -> None:
    source = STEP.replace("toy_step(self)", "get_all_instances_info(self)")
    site.install("hvcore-rival", {"hvcore.toy": {"rival": "step_module:step"}}, modules={"step_module": source})
    settings = Settings(selection=Selection(denied=frozenset({"chroot", "fake", "lxc"})))
    mixed = make_host(toy(), discover=True, settings=settings)
    assert mixed.hypervisor("toy").get_all_instances_info()
    [broken] = mixed.plugins().broken
    assert "both extension 'rival' of hvcore-rival 1.0 and driver 'toy' of this process answer it" in broken.reason
    assert "@hookimpl(wrapper=True)" in broken.resolution


def test_the_order_and_who_joined_what_are_reported(make_host: MakeHost) -> None:
    listed = make_host(toy(), toy("tic"), extensions={"toy": [Listener()], "all": [Listener()]})
    with pytest.raises(HookConflict, match="claimed by"):
        listed.hypervisor("toy")
    orders = {p.name: p.order for p in listed.plugins().hypervisors}
    assert orders == {"tic": ("Listener", "tic")}
    named = make_host(toy(), extensions={"toy": [Extension(Listener(), after=("Other2",)), Other2()]})
    assert [p.order for p in named.plugins().hypervisors] == [("Other2", "Listener", "toy")]
    assert [p.joined for p in named.plugins().extensions] == [("toy",), ("toy",)]


class Other2(Listener):
    """Another listener."""


def test_an_extension_of_one_hypervisor_never_joins_another(make_host: MakeHost) -> None:
    mixed = make_host(toy(), toy("tic"), extensions={"tic": [Listener()]})
    assert [m.name for m in mixed.hypervisor("toy").scope.members] == ["toy"]
    assert [m.name for m in mixed.hypervisor("tic").scope.members] == ["Listener", "tic"]


def test_extensions_of_one_class_are_told_apart(make_host: MakeHost) -> None:
    many = make_host(toy(), extensions={"toy": [Listener(), Extension(Listener(), before=("Listener",)), Listener()]})
    assert [m.name for m in many.hypervisor("toy").scope.members] == ["Listener-2", "Listener-3", "Listener", "toy"]
    assert many.plugins().broken == ()


def test_an_order_of_one_name_may_be_written_without_a_tuple() -> None:
    extension = Extension(Listener(), before=cast("Any", "audit"), after=("metrics", "trace"))
    assert extension.before == ("audit",)
    assert extension.after == ("metrics", "trace")


@pytest.mark.parametrize(
    ("extensions", "order", "answer"),
    [
        ([], (), "default"),
        ([Step("mine")], (), "mine"),
        ([Step("mine"), Other("other")], ("Other", "Step"), "other"),
        ([Extension(Step("mine"), after=("Other",)), Other("other")], (), "other"),
        ([Extension(Step("mine"), after=("Other",)), Other("other")], ("Step", "Other"), "mine"),
    ],
)
def test_a_step_is_overridden_in_the_order_that_is_configured_or_declared(
    make_host: MakeHost, extensions: list[object], order: tuple[str, ...], answer: str
) -> None:
    plugin = toy(steps=(Steps,), defaults=default_step)
    overridden = make_host(plugin, extensions={"toy": extensions}, settings=Settings(order=order))
    assert overridden.hypervisor("toy").scope.choose(Steps.toy_step) == answer


def test_two_overriders_without_an_order_are_a_conflict(make_host: MakeHost) -> None:
    plugin = toy(steps=(Steps,), defaults=default_step)
    with pytest.raises(HookConflict, match="nothing says which comes first"):
        make_host(plugin, extensions={"toy": [Step("mine"), Other("other")]}).hypervisor("toy")


def test_a_driver_calls_its_own_steps_through_the_scope(make_host: MakeHost) -> None:
    class Chooses(BaseHypervisor):
        @hookimpl
        def pause_instance(self, instance_name: str) -> None:
            raise OperationFailed(self.context.scope.choose(Steps.toy_step))

    class Wrapper:
        @hookimpl(wrapper=True)
        def toy_step(self) -> Generator[None, str, str]:
            return f"wrapped {(yield)}"

    plugin = toy(driver=Chooses, steps=(Steps,), defaults=default_step)
    with pytest.raises(OperationFailed, match="wrapped default"):
        make_host(plugin, extensions={"toy": [Wrapper()]}).hypervisor("toy").pause_instance("web1")
