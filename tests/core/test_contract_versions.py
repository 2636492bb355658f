"""Which plugin goes with which hvcore: decided by one function, and played with an old plugin and with a newer one."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import InvalidPlugin
from hvcore.member import Member, Origin
from hvcore.plugin import (
    ContractWarning,
    Deprecation,
    Extension,
    HypervisorPlugin,
    choose,
    collect,
    command,
    hookimpl,
    notify,
    speaks,
)
from hvcore.scope import Scope
from hvcore.spec.versions import FIRST_CONTRACT, agree

if TYPE_CHECKING:
    from tests.core.conftest import MakeHost


@pytest.mark.parametrize(
    ("stated", "unknown", "ours", "verdict", "words"),
    [
        ("1.0", (), "1.0", "accepted", ""),
        ("1.0", (), "1.7", "accepted", ""),
        ("1.7", (), "1.7", "accepted", ""),
        ("1.9", (), "1.10", "accepted", ""),
        ("1.0", ("misspelt",), "1.7", "accepted", ""),
        ("1.1", (), "1.0", "warned", "is written for contract 1.1; this hvcore speaks 1.0"),
        ("1.10", (), "1.9", "warned", "is written for contract 1.10"),
        ("1.1", ("watch",), "1.0", "refused", "needs contract 1.1; this hvcore speaks 1.0, which does not know watch"),
        ("1.1", ("b", "a of start"), "1.0", "refused", "does not know a of start, b"),
        ("2.0", (), "1.9", "refused", "needs contract 2.0; this hvcore speaks 1.9"),
        ("1.9", (), "2.0", "refused", "needs contract 1.9; this hvcore speaks 2.0"),
        (None, (), "1.0", "accepted", ""),
        (None, (), "1.3", "accepted", ""),
        (None, (), "2.0", "refused", "needs contract 1.0"),
        ("one", (), "1.0", "refused", "'one', which is no version"),
        ("1", (), "1.0", "refused", "no version"),
        ("1.0.0", (), "1.0", "refused", "no version"),
        ("+1.0", (), "1.0", "refused", "no version"),
        ("1.٣", (), "1.0", "refused", "no version"),
        ("", (), "1.0", "refused", "no version"),
        (1.0, (), "1.0", "refused", "no version"),
    ],
)
def test_the_table(stated: object, unknown: tuple[str, ...], ours: str, verdict: str, words: str) -> None:
    found = agree(stated, unknown, ours)
    assert found.verdict == verdict
    assert words in found.reason
    assert bool(found.reason) is bool(found.resolution) is (verdict != "accepted")
    assert found.contract == (FIRST_CONTRACT if stated is None else str(stated))


def test_who_is_too_old_is_told() -> None:
    assert "newer release of hvcore" in agree("2.0", ours="1.0").resolution
    assert "newer release of the plugin" in agree("1.0", ours="2.0").resolution
    assert "newer release of hvcore" in agree("1.1", ["x"], ours="1.0").resolution


@given(st.tuples(st.integers(0, 30), st.integers(0, 30)), st.tuples(st.integers(0, 30), st.integers(0, 30)))
def test_what_is_spoken_is_accepted(wanted: tuple[int, int], ours: tuple[int, int]) -> None:
    texts = [f"{major}.{minor}" for major, minor in (wanted, ours)]
    is_served = wanted[0] == ours[0] and wanted[1] <= ours[1]
    assert speaks(*texts) is is_served
    assert (agree(texts[0], ours=texts[1]).verdict == "accepted") is is_served


@given(st.text(max_size=8))
def test_no_text_is_too_odd_to_be_decided(stated: str) -> None:
    assert agree(stated, ours="1.0").contract == stated
    assert isinstance(speaks(stated), bool)


# An old plugin, and the specs of today.


class Today:
    @command(
        since="1.0",
        formerly={"halt": "1.1"},
        deprecated={
            "timeout": Deprecation("1.1", "use timeout_s instead", passes="timeout_s"),
            "timeout_ms": Deprecation(
                "1.2", "use timeout_s instead", passes="timeout_s", convert=lambda s: int(s * 1000)
            ),
            "retry": Deprecation("1.2", "leave it out; it is always False"),
        },
    )
    def stop(self, name: str, force: bool, retry: bool, timeout_s: float) -> str:
        raise NotImplementedError

    @choose(
        since="1.0", formerly={"mounter": "1.1"}, deprecated={"root": Deprecation("1.1", "use path", passes="path")}
    )
    def toy_mounter(self, path: str) -> str | None:
        raise NotImplementedError

    @collect(since="1.0", formerly={"entries": "1.1"})
    def toy_entries(self, path: str) -> Iterable[str]:
        raise NotImplementedError

    @notify(since="1.0", formerly={"stopped": "1.1"}, deprecated={"n": Deprecation("1.1", "use name", passes="name")})
    def was_stopped(self, name: str) -> None:
        raise NotImplementedError


class Driver:
    @hookimpl
    def stop(self, name: str, force: bool, timeout_s: float) -> str:
        return f"{name} {force} {timeout_s}"


def joined(
    implementation: object, contract: object = None, origin: Origin = Origin.EXTENSION
) -> tuple[Scope, list[str]]:
    """Let an old plugin join today's scope; return what its author is warned of."""
    scope = Scope("toy", (Today,))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        notes = scope.join(Member("old", implementation, origin, "hvcore-old 1.0", contract=contract))
    assert [str(w.message) for w in caught] == [f"{scope.members[0].describe()}: {note}" for note in notes]
    assert all(w.category is ContractWarning for w in caught)
    if origin is Origin.EXTENSION:
        scope.join(Member("toy", Driver(), Origin.DRIVER, "hvcore-toy 1.0"))
    scope.seal()
    return scope, list(notes)


def test_an_old_name_of_an_argument_gets_the_value_of_the_new_one() -> None:
    class Old:
        @hookimpl(wrapper=True)
        def stop(self, timeout: float, name: str) -> Generator[None, str, str]:
            return f"{(yield)} after {timeout} of {name}"

    scope, [note] = joined(Old())
    assert scope.command(Today.stop, "web1", True, False, 2.5) == "web1 True 2.5 after 2.5 of web1"
    assert note.startswith("the argument 'timeout' of stop is deprecated since 1.1; use timeout_s instead (at ")
    assert f"{__file__}:" in note


def test_an_old_argument_may_have_been_of_another_unit_and_both_names_may_be_asked_for() -> None:
    class Old:
        @hookimpl
        def stop(self, timeout_ms: int, timeout: float, timeout_s: float, name: str) -> str:
            return f"{timeout_ms} {timeout} {timeout_s} {name}"

    scope, notes = joined(Old(), origin=Origin.DRIVER)
    assert scope.command(Today.stop, "web1", True, False, 2.5) == "2500 2.5 2.5 web1"
    assert len(notes) == 2


def test_an_argument_that_will_go_is_still_passed() -> None:
    class Old:
        @hookimpl
        def stop(self, retry: bool) -> str:
            return str(retry)

    scope, [note] = joined(Old(), origin=Origin.DRIVER)
    assert scope.command(Today.stop, "web1", True, True, 2.5) == "True"
    assert "'retry' of stop is deprecated since 1.2; leave it out; it is always False" in note


def test_fewer_arguments_than_the_hook_passes_are_nothing_to_warn_of() -> None:
    scope, notes = joined(Driver(), origin=Origin.DRIVER)
    assert notes == []
    assert scope.command(Today.stop, "web1", True, True, 2.5) == "web1 True 2.5"


class AllOldNames:
    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl(wrapper=True)
    def halt(self, timeout: float) -> Generator[None, str, str]:
        return f"{(yield)}, {timeout}"

    @hookimpl
    def mounter(self, root: str) -> str | None:
        return f"mounts at {root}"

    @hookimpl
    def entries(self) -> list[str]:
        return ["a", "b"]

    @hookimpl
    def stopped(self, n: str) -> None:
        self.heard.append(n)


def test_old_names_of_hooks_of_every_kind_still_work() -> None:
    old = AllOldNames()
    scope, notes = joined(old)
    assert scope.command(Today.stop, "web1", True, False, 2.5) == "web1 True 2.5, 2.5"
    assert scope.choose(Today.toy_mounter, "/mnt") == "mounts at /mnt"
    assert scope.collect(Today.toy_entries, "/mnt") == ("a", "b")
    scope.notify(Today.was_stopped, "web1")
    assert old.heard == ["web1"]
    assert len(notes) == 4 + 3
    assert any(note.startswith("halt is called stop since 1.1; rename it to stop (at ") for note in notes)
    assert [a.role for a in scope.answerers(Today.stop)] == ["wrapper", "driver"]


def test_an_old_name_and_the_new_one_in_one_object_are_two_answers() -> None:
    class Both(AllOldNames):
        @hookimpl
        def toy_mounter(self, path: str) -> str | None:
            return None

    with pytest.raises(InvalidPlugin, match="both answer toy_mounter"):
        joined(Both())


# A plugin that is newer than this hvcore.


class Newer:
    @hookimpl
    def toy_entries(self) -> list[str]:
        return ["a"]

    @hookimpl(optionalhook=True)
    def toy_watch(self, path: str) -> None:
        """Answer a hook of 1.1."""


class NewerStill(Newer):
    @hookimpl
    def toy_unheard_of(self) -> None:
        """Answer a hook of 1.1 that it cannot do without."""


class NewArgument:
    @hookimpl
    def toy_entries(self, path: str, depth: int) -> list[str]:
        return []


def test_a_newer_plugin_that_can_do_without_what_is_new_is_accepted_with_a_warning() -> None:
    scope, [note] = joined(Newer(), "1.1")
    assert note.startswith("it is written for contract 1.1; this hvcore speaks 1.0")
    assert scope.collect(Today.toy_entries, "/") == ("a",)


@pytest.mark.parametrize(
    ("implementation", "contract", "message"),
    [
        (NewerStill(), "1.1", "needs contract 1.1; this hvcore speaks 1.0, which does not know toy_unheard_of"),
        (NewArgument(), "1.1", "which does not know depth of toy_entries"),
        (Newer(), "2.0", "needs contract 2.0"),
        (Newer(), "1.0", "toy has no hook 'toy_watch'"),
        (Newer(), None, "toy has no hook 'toy_watch'"),
        (NewArgument(), "1.0", "asks for 'depth', which the hook does not pass"),
    ],
)
def test_a_newer_plugin_that_cannot_is_refused_with_the_place(
    implementation: object, contract: Any, message: str
) -> None:
    with pytest.raises(InvalidPlugin) as caught:
        joined(implementation, contract)
    assert message in caught.value.message
    assert caught.value.details[0].startswith(f"at {__file__}:")


# How a plugin states its contract, and where that is shown.


class States:
    hvcore_contract = "1.0"

    @hookimpl
    def instance_stopped(self, instance_name: str) -> None:
        """Hear it."""


class StatesNothing(States):
    hvcore_contract = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def test_an_extension_states_its_contract_itself_or_in_its_wrapping(make_host: MakeHost) -> None:
    from hvcore.plugin import BaseHypervisor

    toy = HypervisorPlugin("toy", "a toy", BaseHypervisor, contract="1.0")
    wrapped = Extension(StatesNothing(), contract="1.0")
    host = make_host(toy, HypervisorPlugin("tic", "a tic", BaseHypervisor), extensions={"toy": [States(), wrapped]})
    host_bare = make_host(toy, extensions={"toy": [StatesNothing()]})
    report = host.plugins()
    assert [(p.name, p.contract, p.notes) for p in report.extensions] == [
        ("States", "1.0", ()),
        ("StatesNothing", "1.0", ()),
    ]
    assert {p.name: p.contract for p in report.hypervisors} == {"toy": "1.0", "tic": None}
    [bare] = host_bare.plugins().extensions
    assert (bare.contract, bare.notes) == (None, ("it states no contract, and is taken as written for 1.0",))


@pytest.mark.parametrize(
    ("deprecated", "message"),
    [
        ({"old": Deprecation("1.1", "x", passes="gone")}, "deprecates 'old' in favour of what it does not pass"),
        ({"gone": Deprecation("1.1", "x")}, "deprecates 'gone'"),
    ],
)
def test_a_spec_that_deprecates_wrongly_is_refused(deprecated: dict[str, Deprecation], message: str) -> None:
    class Wrong:
        @command(since="1.0", deprecated=deprecated)
        def act(self, name: str) -> None:
            raise NotImplementedError

    with pytest.raises(InvalidPlugin, match=message):
        Scope("toy", (Wrong,))
