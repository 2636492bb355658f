"""The host: a value that holds hypervisors, and is not disturbed by plugins that are broken."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

import hvcore
from hvcore.discovery import HYPERVISORS_GROUP, Selection
from hvcore.errors import (
    HookConflict,
    HookFailed,
    InvalidInput,
    InvalidPlugin,
    MissingRequirement,
    OperationFailed,
    StateFailed,
    UnknownHypervisor,
    Unsupported,
)
from hvcore.model.info import InstanceInfo
from hvcore.model.plugins import InstalledPlugin
from hvcore.model.state import InstanceState
from hvcore.plugin import BaseHypervisor, DriverContext, Extension, HypervisorPlugin, choose, hookimpl
from hvcore.settings import Settings
from hvcore.spec.params import ParamsSpec

if TYPE_CHECKING:
    from hvcore.host import Host
    from hvcore.model.instance import Instance
    from hvcore.model.parameters import ParameterValue
    from tests.core.conftest import Site

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


def toy(name: str = "toy", **fields: Any) -> HypervisorPlugin:
    return HypervisorPlugin(**{"name": name, "summary": f"a {name}", "driver": Driver} | fields)


@pytest.fixture
def host(tmp_path: Path) -> Callable[..., Host]:
    def make(*plugins: HypervisorPlugin, discover: bool = False, **options: Any) -> Host:
        return hvcore.load(
            **{"state_dir": tmp_path / "state", "log_dir": tmp_path / "log", "plugins": plugins, "discover": discover}
            | options
        )

    return make


# Loading and naming.


def test_load_imports_no_plugin_and_names_what_is_wanted(host: Callable[..., Host], site: Site) -> None:
    site.install("hvcore-good", {HYPERVISORS_GROUP: {"good": "good_plugin:plugin"}}, modules={"good_plugin": GOOD})
    settings = Settings(selection=Selection(denied=frozenset({"lxc"})))
    found = host(discover=True, settings=settings)
    assert {"fake", "good"} <= set(found.hypervisor_names)
    assert "lxc" not in found.hypervisor_names
    assert "good_plugin" not in sys.modules
    assert found.hypervisor("good").list_instances() == ("one",)


def test_a_hypervisor_is_loaded_once(host: Callable[..., Host]) -> None:
    made: list[DriverContext] = []

    def driver(context: DriverContext) -> BaseHypervisor:
        made.append(context)
        return Driver(context)

    one = host(toy(driver=driver))
    assert one.hypervisor("toy") is one.hypervisor("toy")
    assert len(made) == 1


def test_two_hosts_share_nothing(host: Callable[..., Host], tmp_path: Path) -> None:
    plugin = toy()
    one, other = host(plugin), host(plugin, state_dir=tmp_path / "other")
    assert one.hypervisor("toy") is not other.hypervisor("toy")
    assert one.hypervisor("toy").context.state_dir == tmp_path / "state" / "toy"
    assert other.hypervisor("toy").context.state_dir == tmp_path / "other" / "toy"
    assert one.hypervisor("toy").context.instance_dir("web1") == tmp_path / "state" / "toy" / "web1"


def test_a_host_is_a_context_manager(host: Callable[..., Host]) -> None:
    with host(toy()) as inside:
        first = inside.hypervisor("toy")
    assert inside.hypervisor("toy") is not first


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HVCORE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("HVCORE_ORDER", "b,a")
    settings = hvcore.load(discover=False).settings
    assert settings.state_dir == tmp_path
    assert settings.order == ("b", "a")


def test_surroundings_can_be_replaced(host: Callable[..., Host], tmp_path: Path) -> None:
    with_other_logs = host(toy(), prepare=lambda context: evolve(context, log_dir=tmp_path / "elsewhere"))
    assert with_other_logs.hypervisor("toy").context.log_dir == tmp_path / "elsewhere"


def test_an_unknown_hypervisor_says_what_is_installed_and_how_to_get_it(host: Callable[..., Host]) -> None:
    with pytest.raises(UnknownHypervisor) as caught:
        host(toy("b"), toy("a")).hypervisor("chroot")
    error = caught.value
    assert error.message == "there is no hypervisor 'chroot'; installed: a, b"
    assert "pip install" in str(error.resolution)
    assert error.exit_status == 2
    with pytest.raises(UnknownHypervisor, match="installed: none"):
        host().hypervisor("lxc")


def test_a_disabled_hypervisor_says_by_what(host: Callable[..., Host]) -> None:
    settings = Settings(selection=Selection(denied=frozenset({"toy"})))
    with pytest.raises(UnknownHypervisor) as caught:
        host(toy(), settings=settings).hypervisor("toy")
    assert caught.value.resolution == "it is installed but disabled by HVCORE_DISABLE"


def test_two_plugins_of_one_name_are_a_conflict(host: Callable[..., Host], site: Site) -> None:
    modules = {"good_plugin": GOOD}
    site.install("hvcore-a", {HYPERVISORS_GROUP: {"good": "good_plugin:plugin"}}, modules=modules)
    site.install("hvcore-b", {HYPERVISORS_GROUP: {"good": "good_plugin:plugin"}})
    both = host(discover=True)
    with pytest.raises(HookConflict, match="claimed by hvcore-a 1.0 and hvcore-b 1.0") as caught:
        both.hypervisor("good")
    assert caught.value.hypervisor == "good"
    report = both.plugins()
    assert {b.distribution for b in report.broken if b.name == "good"} == {"hvcore-a 1.0", "hvcore-b 1.0"}
    settings = Settings(selection=Selection(denied=frozenset({"hvcore-b"})))
    one = host(discover=True, settings=settings)
    assert one.hypervisor("good").list_instances() == ("one",)
    shown = {p.distribution: p for p in one.plugins().hypervisors if p.name == "good"}
    assert shown["hvcore-a 1.0"].summary == "a good one"
    assert "list_instances" in shown["hvcore-a 1.0"].hooks
    assert shown["hvcore-b 1.0"] == InstalledPlugin(
        HYPERVISORS_GROUP, "good", "hvcore-b 1.0", disabled="disabled by HVCORE_DISABLE"
    )


# Plugins that are broken.


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
        (toy(driver=lambda context: Driver), InvalidPlugin, "it is the class Driver, not an object"),
        (toy(defaults=fail(ValueError("no"))), InvalidPlugin, "'toy' of this process cannot be used: ValueError: no"),
        (toy(steps=(Steps,), defaults=lambda context: [MarkedWrong()]), InvalidPlugin, "no hook 'toy_stpe'"),
        (toy(steps=(Driver,)), InvalidPlugin, "Driver cannot specify hooks of toy"),
        (toy(steps=(Steps, Steps)), InvalidPlugin, "Steps cannot specify hooks of toy"),
        (toy(steps=(object,)), InvalidPlugin, "object cannot specify hooks of toy"),
        (toy("Toy"), InvalidPlugin, "'Toy'"),
        (toy("../toy"), InvalidPlugin, "'../toy'"),
        (toy("all"), InvalidPlugin, "hvcore.all is another group"),
        (toy("hypervisors"), InvalidPlugin, "hvcore.hypervisors is another group"),
        (toy(contract="2.0"), InvalidPlugin, "needs contract 2.0; this hvcore speaks 1.0"),
        (toy(contract="1.1"), InvalidPlugin, "needs contract 1.1"),
        (toy(contract="one"), InvalidPlugin, "needs contract one"),
    ],
)
def test_a_broken_hypervisor_is_shown_with_the_reason_and_stops_nobody(
    host: Callable[..., Host], plugin: HypervisorPlugin, error: type[Exception], message: str
) -> None:
    mixed = host(plugin, toy("fine"))
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


def test_an_entry_point_that_names_something_else_is_invalid(host: Callable[..., Host], site: Site) -> None:
    modules = {"good_plugin": GOOD, "my_extension": EXTENSION}
    group = {"number": "my_extension:number", "renamed": "good_plugin:plugin", "bad": "not_there:plugin"}
    site.install("hvcore-wrong", {HYPERVISORS_GROUP: group}, modules=modules)
    wrong = host(discover=True)
    with pytest.raises(InvalidPlugin, match="'number' of hvcore-wrong 1.0 is of type int, not a HypervisorPlugin"):
        wrong.hypervisor("number")
    with pytest.raises(InvalidPlugin, match="calls its hypervisor 'good' in the plugin and 'renamed' in the entry point"):
        wrong.hypervisor("renamed")
    with pytest.raises(InvalidPlugin, match="'bad' of hvcore-wrong 1.0 cannot be imported: ModuleNotFoundError"):
        wrong.hypervisor("bad")
    assert {b.name for b in wrong.plugins().broken if b.distribution == "hvcore-wrong 1.0"} == set(group)


def test_extensions_are_good_broken_blocked_or_unused_and_all_are_shown(
    host: Callable[..., Host], site: Site
) -> None:
    ours = "my_extension:listener"
    broken = {"import-fails": "not_there:x", "wrong-type": "my_extension:number", "a-class": "my_extension:Listener"}
    site.install("hvcore-mix", {"hvcore.toy": {"good": ours} | broken}, modules={"my_extension": EXTENSION})
    site.install("hvcore-blocked", {"hvcore.toy": {"blocked": ours}})
    site.install("hvcore-one", {"hvcore.toy": {"same": ours}})
    site.install("hvcore-two", {"hvcore.all": {"same": ours}})
    site.install("hvcore-every", {"hvcore.all": {"every": ours}})
    site.install("hvcore-far", {"hvcore.vmware": {"far": ours}})
    site.install("hvcore-torn", "[hvcore.toy]\nno equals sign here\n")
    settings = Settings(selection=Selection(denied=frozenset({"hvcore-blocked", "lxc", "fake"})))
    mixed = host(toy(), toy("tic"), discover=True, settings=settings)
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


def test_an_extension_of_all_that_does_not_fit_one_stops_neither(host: Callable[..., Host]) -> None:
    mixed = host(toy(steps=(Steps,), defaults=lambda context: [Step()]), toy("tic"), extensions={"all": [Other("mine")]})
    assert mixed.hypervisor("toy").scope.choose(Steps.toy_step) == "mine"
    assert mixed.hypervisor("tic").get_all_instances_info()
    [broken] = mixed.plugins().broken
    assert "tic has no hook 'toy_step'" in broken.reason


def test_an_extension_of_one_hypervisor_never_joins_another(host: Callable[..., Host]) -> None:
    mixed = host(toy(), toy("tic"), extensions={"tic": [Listener()]})
    assert [m.name for m in mixed.hypervisor("toy").scope.members] == ["toy"]
    assert [m.name for m in mixed.hypervisor("tic").scope.members] == ["Listener", "tic"]


def test_extensions_of_one_class_are_told_apart(host: Callable[..., Host]) -> None:
    many = host(toy(), extensions={"toy": [Listener(), Extension(Listener(), before=("Listener",)), Listener()]})
    assert [m.name for m in many.hypervisor("toy").scope.members] == ["Listener-2", "Listener-3", "Listener", "toy"]
    assert many.plugins().broken == ()


def test_an_order_of_one_name_may_be_written_without_a_tuple() -> None:
    extension = Extension(Listener(), before="audit", after=["metrics", "trace"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
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
    host: Callable[..., Host], extensions: list[object], order: tuple[str, ...], answer: str
) -> None:
    plugin = toy(steps=(Steps,), defaults=lambda context: [Step()])
    overridden = host(plugin, extensions={"toy": extensions}, settings=Settings(order=order))
    assert overridden.hypervisor("toy").scope.choose(Steps.toy_step) == answer


def test_two_overriders_without_an_order_are_a_conflict(host: Callable[..., Host]) -> None:
    plugin = toy(steps=(Steps,), defaults=lambda context: [Step()])
    with pytest.raises(HookConflict, match="nothing says which comes first"):
        host(plugin, extensions={"toy": [Step("mine"), Other("other")]}).hypervisor("toy")


# Instances of all hypervisors.


def test_all_instances_answers_per_hypervisor_with_its_instances_or_its_error(host: Callable[..., Host]) -> None:
    class Fails(BaseHypervisor):
        @hookimpl
        def get_all_instances_info(self, parameters: Any) -> tuple[InstanceInfo, ...]:
            raise OperationFailed("no cgroups")

    answers = host(toy("a"), toy("b", driver=Fails), toy("c", driver=BaseHypervisor)).all_instances()
    assert list(answers) == ["a", "b", "c"]
    assert isinstance(answers["a"], tuple)
    assert [info.name for info in answers["a"]] == ["web1"]
    assert isinstance(answers["b"], OperationFailed)
    assert answers["b"].hypervisor == "b"
    assert isinstance(answers["c"], Unsupported)


def test_finds_the_hypervisor_by_the_state_on_disk(host: Callable[..., Host], tmp_path: Path) -> None:
    several = host(toy("a"), toy("b"))
    assert several.find_instance("web1") is None
    (tmp_path / "state" / "b" / "web1").mkdir(parents=True)
    found = several.find_instance("web1")
    assert found is not None
    assert found.name == "b"
    (tmp_path / "state" / "a" / "web1").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="there is an instance web1 of each of a, b") as caught:
        several.find_instance("web1")
    assert caught.value.resolution


@pytest.mark.parametrize("name", ["", ".", "..", "../b", "a/b", ".locks", "x\n"])
def test_a_name_that_is_none_finds_nothing(host: Callable[..., Host], tmp_path: Path, name: str) -> None:
    (tmp_path / "state" / "a" / "b").mkdir(parents=True)
    with pytest.raises(InvalidInput):
        host(toy("a")).find_instance(name)


def test_a_state_directory_that_may_not_be_looked_into_is_said_so(
    host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> bool:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "is_dir", denied)
    with pytest.raises(StateFailed, match="cannot look into .*: Permission denied") as caught:
        host(toy()).find_instance("web1")
    assert "HVCORE_STATE_DIR" in str(caught.value.resolution)


# What a plugin author leans on.


def test_a_driver_calls_its_own_steps_through_the_scope(host: Callable[..., Host]) -> None:
    class Chooses(BaseHypervisor):
        @hookimpl
        def pause_instance(self, instance_name: str) -> None:
            raise OperationFailed(self.context.scope.choose(Steps.toy_step))

    class Wrapper:
        @hookimpl(wrapper=True)
        def toy_step(self) -> Generator[None, str, str]:
            return f"wrapped {(yield)}"

    plugin = toy(driver=Chooses, steps=(Steps,), defaults=lambda context: [Step()])
    with pytest.raises(OperationFailed, match="wrapped default"):
        host(plugin, extensions={"toy": [Wrapper()]}).hypervisor("toy").pause_instance("web1")


def test_the_base_answers_what_does_not_depend_on_the_hypervisor(host: Callable[..., Host]) -> None:
    class Declares(BaseHypervisor):
        ANCILLARY_FILES = frozenset({"/etc/toy", "/etc/toy.opt"})
        ANCILLARY_FILES_OPT = frozenset({"/etc/toy.opt"})
        CAN_MIGRATE = True

    base = host(toy(driver=Declares)).hypervisor("toy")
    instance: Instance = hvcore.Instance("web1", "toy")
    nothing: dict[str, ParameterValue] = {}
    assert base.verify_instance(instance) is True
    assert base.can_migrate is True
    assert base.migration_info(instance) == ""
    assert base.versions_safe_for_migration((1, 2), (1, 2))
    assert not base.versions_safe_for_migration((1, 2), (1, 3))
    assert base.get_ancillary_files().optional == {"/etc/toy.opt"}
    assert base.parameters == ()
    assert base.assess_parameters(nothing) == ()
    assert base.recover().is_clean
    assert base.get_node_info().memory_total_mib > 0
    base.restore_instance(instance)
    base.cleanup_instance("web1")
    base.accept_instance(instance, "", "127.0.0.1")
    with pytest.raises(InvalidInput, match="not supported"):
        base.check_parameter_syntax({"zebra": 1})


@pytest.mark.parametrize(
    ("least_mib", "most_mib", "free_mib", "wanted"),
    [(64, 128, 1000, 128), (64, 128, 100, 100), (64, 128, 10, 64), (None, 128, 10, 128)],
)
def test_the_startup_memory_is_what_is_free_within_bounds(
    host: Callable[..., Host], least_mib: int | None, most_mib: int, free_mib: int, wanted: int
) -> None:
    class Node(BaseHypervisor):
        @hookimpl
        def get_node_info(self, parameters: Any) -> hvcore.NodeInfo:
            return hvcore.NodeInfo(2000, free_mib, 0, 1, 1, 1, 1)

    node = Node(host(toy()).hypervisor("toy").context)
    instance = hvcore.Instance("web1", "toy", memory_mib=most_mib, memory_min_mib=least_mib)
    assert node.startup_memory_mib(instance) == wanted
