"""Every way in which pluggy lets a mistake pass, and what a scope does instead. The same on every supported pluggy."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Generator, Iterable
from importlib.metadata import distribution, version
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy
import pytest
from attrs import define

import hvcore
from hvcore.errors import HookConflict, HookFailed, HypervisorError, InvalidPlugin, OperationFailed, Unsupported
from hvcore.member import Member, Origin
from hvcore.plugin import BaseHypervisor, HypervisorPlugin, choose, collect, command, hookimpl, notify
from hvcore.scope import Scope
from hvcore.spec.contract import CONTRACT_SPECS

if TYPE_CHECKING:
    from tests.core.conftest import Site

PACKAGE = Path(hvcore.__file__).parent


class Spec:
    @command(since="1.0")
    def start(self, name: str, timeout_s: int) -> None:
        raise NotImplementedError

    @command(since="1.0")
    def count(self, name: str) -> int:
        raise NotImplementedError

    @choose(since="1.0")
    def pick(self, name: str) -> str | None:
        raise NotImplementedError

    @collect(since="1.0")
    def gather(self, name: str) -> Iterable[str]:
        raise NotImplementedError

    @notify(since="1.0")
    def told(self, name: str) -> None:
        raise NotImplementedError


class Driver:
    def __init__(self, name: str = "toy") -> None:
        self.name = name
        self.started: list[str] = []

    @hookimpl
    def start(self, name: str, timeout_s: int) -> None:
        self.started.append(name)

    @hookimpl
    def count(self, name: str) -> int:
        return len(name)


class Picks:
    def __init__(self, answer: str | None) -> None:
        self.answer = answer

    @hookimpl
    def pick(self, name: str) -> str | None:
        return self.answer


def driver(implementation: object, name: str = "toy") -> Member:
    return Member(name, implementation, Origin.DRIVER, f"hvcore-{name} 1.0")


def extension(name: str, implementation: object) -> Member:
    return Member(name, implementation, Origin.EXTENSION, f"hvcore-{name} 1.0")


def sealed(*members: Member) -> Scope:
    scope = Scope("toy", (Spec,))
    for member in members:
        scope.join(member)
    scope.seal()
    return scope


def refuse(implementation: object) -> str:
    with pytest.raises(InvalidPlugin) as caught:
        sealed(extension("mine", implementation))
    return caught.value.message


def test_the_supported_pluggy_is_installed() -> None:
    major, minor = version("pluggy").split(".")[:2]
    assert (int(major), int(minor)) >= (1, 5)
    assert int(major) == 1


def test_trap_01_a_command_that_returns_none_runs_one_implementation_only() -> None:
    lxc, chroot = Driver("lxc"), Driver("chroot")
    with pytest.raises(HookConflict, match=r"start: .*'lxc' of hvcore-lxc 1.0.* a command has one answerer"):
        sealed(driver(lxc, "lxc"), driver(chroot, "chroot"))
    sealed(driver(lxc, "lxc")).command(Spec.start, "web1", 5)
    assert (lxc.started, chroot.started) == (["web1"], [])


def test_trap_02_a_hook_that_nobody_implements_says_so() -> None:
    scope = sealed()
    with pytest.raises(Unsupported, match="toy does not support start"):
        scope.command(Spec.start, "web1", 5)
    with pytest.raises(HookFailed, match="nobody chose for pick"):
        scope.choose(Spec.pick, "web1")


def test_trap_03_a_default_in_a_spec_is_refused() -> None:
    class WithDefault:
        @command(since="1.0")
        def start(self, timeout_s: int = 30) -> None:
            raise NotImplementedError

    with pytest.raises(InvalidPlugin, match="gives timeout_s a default"):
        Scope("toy", (WithDefault,))


def test_trap_04_a_default_in_an_implementation_is_refused() -> None:
    class WithDefault:
        @hookimpl
        def start(self, name: str, timeout_s: int = 30) -> None:
            """Would be told 30 by an old pluggy, whatever the caller said."""

    assert "start gives timeout_s a default" in refuse(WithDefault())


def test_trap_05_a_keyword_only_parameter_is_refused() -> None:
    class KeywordOnly:
        @hookimpl
        def start(self, *, name: str) -> None:
            """Would register, and raise TypeError when called."""

    assert "start takes the keyword-only argument name" in refuse(KeywordOnly())


def test_trap_06_an_argument_that_the_caller_leaves_out_is_an_error() -> None:
    call: Callable[..., object] = sealed(driver(Driver())).command
    with pytest.raises(HookFailed, match="start takes name, timeout_s and was given name"):
        call(Spec.start, name="web1")


def test_trap_07_an_argument_that_the_caller_adds_is_an_error() -> None:
    call: Callable[..., object] = sealed(driver(Driver())).command
    with pytest.raises(HookFailed, match="was given name, timeout_s, force"):
        call(Spec.start, name="web1", timeout_s=5, force=True)


def test_trap_08_a_misspelt_hook_is_refused_at_once() -> None:
    class Misspelt:
        @hookimpl
        def strat(self, name: str) -> None:
            """Would never be called."""

    class MisspeltAndOptional:
        @hookimpl(optionalhook=True)
        def strat(self, name: str) -> None:
            """Would never be called, and pluggy's own check would be told to look away."""

    for implementation in (Misspelt(), MisspeltAndOptional()):
        assert "toy has no hook 'strat'" in refuse(implementation)


def test_trap_09_objects_that_compare_equal_are_two_members() -> None:
    @define
    class Listener:
        heard: list[str]

        @hookimpl
        def told(self, name: str) -> None:
            self.heard.append(name)

    one, other = Listener([]), Listener([])
    assert one == other
    with pytest.raises(TypeError):
        hash(one)
    sealed(extension("one", one), extension("other", other)).notify(Spec.told, "web1")
    assert (one.heard, other.heard) == (["web1"], ["web1"])


def test_trap_10_a_property_is_not_evaluated() -> None:
    class Costly(Driver):
        @property
        def connection(self) -> object:
            raise AssertionError("evaluated")

    assert sealed(driver(Costly())).command(Spec.count, "web1") == 4


def test_trap_11_isolation_does_not_rest_on_subset_callers_so_specname_stays_in_its_scope() -> None:
    class Renamed:
        def __init__(self) -> None:
            self.heard: list[str] = []

        @hookimpl(specname="told")
        def any_name(self, name: str) -> None:
            self.heard.append(name)

    mine = Renamed()
    sealed().notify(Spec.told, "web1")
    assert mine.heard == []
    sealed(extension("mine", mine)).notify(Spec.told, "web2")
    assert mine.heard == ["web2"]
    # Whatever hides a plugin from a call is not used at all.
    assert not [file for file in PACKAGE.rglob("*.py") if "subset_hook_caller" in file.read_text("utf-8")]


def test_trap_12_two_specs_of_one_name_are_refused() -> None:
    class Again:
        @command(since="1.0")
        def start(self, name: str) -> None:
            raise NotImplementedError

    with pytest.raises(InvalidPlugin, match="Again cannot specify hooks of toy"):
        Scope("toy", (Spec, Again))


def test_trap_13_the_order_never_depends_on_who_was_registered_first() -> None:
    class Listens:
        def __init__(self, name: str, heard: list[str]) -> None:
            self.name, self.heard = name, heard

        @hookimpl
        def told(self) -> None:
            self.heard.append(self.name)

    for arrangement in permutations("abc"):
        heard: list[str] = []
        sealed(*(extension(name, Listens(name, heard)) for name in arrangement)).notify(Spec.told, "web1")
        assert heard == ["a", "b", "c"]
        with pytest.raises(HookConflict, match=r"pick: both extension 'a' of .* and extension 'b' of"):
            sealed(*(extension(name, Picks(name)) for name in arrangement))

    class First:
        @hookimpl(tryfirst=True)
        def told(self) -> None:
            """Would come before or after another tryfirst, depending on the disk."""

    assert "asks for tryfirst or trylast" in refuse(First())


def test_trap_14_one_failing_listener_hides_no_other() -> None:
    heard: list[str] = []

    class Listens:
        def __init__(self, name: str) -> None:
            self.name = name

        @hookimpl
        def told(self) -> None:
            heard.append(self.name)
            raise OperationFailed("deaf")

    sealed(extension("a", Listens("a")), extension("b", Listens("b"))).notify(Spec.told, "web1")
    assert heard == ["a", "b"]


class Forgetful:
    @hookimpl(wrapper=True)
    def count(self) -> Generator[None, int, None]:
        yield

    @hookimpl(wrapper=True)
    def pick(self) -> Generator[None, str, None]:
        yield

    @hookimpl(wrapper=True)
    def gather(self) -> Generator[None, list[str], None]:
        yield


def test_trap_15_a_wrapper_that_forgets_to_return_is_noticed() -> None:
    scope = sealed(driver(Driver()), extension("mine", Picks("a")), extension("w", Forgetful()))
    with pytest.raises(HookFailed, match="count was answered with None") as caught:
        scope.command(Spec.count, "web1")
    assert caught.value.details[0] == "answered by: wrapper w (hvcore-w 1.0), driver toy (hvcore-toy 1.0)"
    assert caught.value.details[1].startswith(f"w is at {__file__}:")
    with pytest.raises(HookFailed, match="nobody chose for pick") as caught:
        scope.choose(Spec.pick, "web1")
    assert "a wrapper forgot to return" in caught.value.details[0]
    with pytest.raises(HookFailed, match="gather was answered with None"):
        scope.collect(Spec.gather, "web1")


def test_trap_16_a_wrapper_that_swallows_an_exception_cannot_make_up_an_answer() -> None:
    class Fails(Driver):
        @hookimpl
        def count(self, name: str) -> int:
            raise OperationFailed("no")

    class Swallows:
        @hookimpl(wrapper=True)
        def count(self) -> Generator[None, int, int | None]:
            try:
                return (yield)
            except HypervisorError:
                return None

    class SwallowsTheOldWay:
        @hookimpl(hookwrapper=True)
        def count(self) -> Generator[None, Any, None]:
            outcome = yield
            outcome.force_result(None)

    with pytest.raises(HookFailed, match="count was answered with None"):
        sealed(driver(Fails()), extension("w", Swallows())).command(Spec.count, "web1")
    assert "the old form of a wrapper" in refuse(SwallowsTheOldWay())


def test_trap_17_a_class_in_place_of_an_instance_is_refused() -> None:
    assert "it is the class Driver, not an object" in refuse(Driver)


def test_trap_18_a_driver_method_without_the_mark_is_refused() -> None:
    class Unmarked(Driver, Spec):
        def count(self, name: str) -> int:
            return 0

    assert "count has the name of a hook but is not marked" in refuse(Unmarked())


def test_trap_19_two_distributions_of_one_entry_point_name_are_both_named(site: Site, tmp_path: Path) -> None:
    for project in ("hvcore-one", "hvcore-two"):
        site.install(project, {"hvcore.hypervisors": {"same": "os:sep"}})
    with pytest.raises(HookConflict, match="'same' of hvcore.hypervisors is claimed by hvcore-one 1.0 and hvcore-two"):
        hvcore.load(state_dir=tmp_path).hypervisor("same")


def test_trap_20_one_broken_plugin_stops_no_other(site: Site, tmp_path: Path) -> None:
    site.install("hvcore-broken", {"hvcore.toy": {"broken": "module_that_is_not_there:x"}})

    class Answers(BaseHypervisor):
        @hookimpl
        def list_instances(self, parameters: object) -> tuple[str, ...]:
            return ("web1",)

    host = hvcore.load(plugins=[HypervisorPlugin("toy", "answers", Answers)], state_dir=tmp_path)
    assert host.hypervisor("toy").list_instances() == ("web1",)
    broken = [each for each in host.plugins().broken if each.distribution == "hvcore-broken 1.0"]
    assert "ModuleNotFoundError" in broken[0].traceback


def test_trap_22_only_public_names_of_pluggy_are_used() -> None:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pluggy":
                names = [*(node.module or "").split(".")[1:], *(alias.name for alias in node.names)]
                assert not [name for name in names if name.startswith("_")], file
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pluggy":
                assert node.attr in pluggy.__all__, file
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self._manager":
                assert not node.attr.startswith("_"), file


def test_trap_23_nothing_is_loaded_into_every_pytest_run_nearby() -> None:
    assert not [point for point in distribution("hvcore").entry_points if point.group.startswith("pytest")]


def test_trap_24_the_body_of_a_spec_never_answers_and_never_reaches_a_caller() -> None:
    for spec in CONTRACT_SPECS:
        for name, function in inspect.getmembers(spec, inspect.isfunction):
            assert inspect.getsource(function).rstrip().endswith("raise NotImplementedError"), name

    class CallsUp(Driver, Spec):
        @hookimpl
        def count(self, name: str) -> int:
            return Spec.count(self, name)

    with pytest.raises(HookFailed, match="count raised NotImplementedError"):
        sealed(driver(CallsUp())).command(Spec.count, "web1")


def test_trap_25_a_driver_that_calls_a_hook_in_its_constructor_is_told_why_not(tmp_path: Path) -> None:
    class Hasty(BaseHypervisor):
        def __init__(self, context: Any) -> None:
            super().__init__(context)
            context.scope.notify(CONTRACT_SPECS[-1].__dict__["instance_stopped"], "web1")

    host = hvcore.load(plugins=[HypervisorPlugin("toy", "hasty", Hasty)], discover=False, state_dir=tmp_path)
    with pytest.raises(HookFailed, match="instance_stopped was called before the scope of toy was sealed") as caught:
        host.hypervisor("toy")
    assert "never from a driver's constructor" in str(caught.value.resolution)
