"""Several members of one scope: conflicts, and the order in which they are asked."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import HookConflict
from hvcore.member import Member, Origin
from hvcore.order import ordered
from hvcore.plugin import choose, command, hookimpl
from hvcore.scope import Scope


class Spec:
    @command(since="1.0")
    def start(self, name: str) -> int:
        raise NotImplementedError

    @choose(since="1.0")
    def pick(self, size: int) -> str | None:
        raise NotImplementedError

    @choose(since="1.0")
    def other(self, size: int) -> str | None:
        raise NotImplementedError


class Picks:
    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    def pick(self, size: int) -> str | None:
        return self.name


class PicksOther:
    @hookimpl
    def other(self, size: int) -> str | None:
        return None


class Starts:
    @hookimpl
    def start(self, name: str) -> int:
        return 1


def extension(name: str, implementation: object | None = None, **order: tuple[str, ...]) -> Member:
    return Member(name, implementation or Picks(name), Origin.EXTENSION, f"hvcore-{name} 1.0", **order)


def seal(*members: Member, order: tuple[str, ...] = ()) -> Scope:
    scope = Scope("toy", (Spec,))
    for member in members:
        scope.join(member)
    scope.seal(order)
    return scope


def test_two_answerers_of_one_command_are_a_conflict_that_names_both() -> None:
    driver = Member("toy", Starts(), Origin.DRIVER, "hvcore-toy 2.0")
    with pytest.raises(HookConflict) as caught:
        seal(driver, extension("rival", Starts()))
    error = caught.value
    assert "extension 'rival' of hvcore-rival 1.0" in error.message
    assert "driver 'toy' of hvcore-toy 2.0" in error.message
    assert "a command has one answerer" in error.message
    assert "HVCORE_DISABLE" in str(error.resolution)
    assert error.hypervisor == "toy"


def test_two_overriders_of_one_choice_without_an_order_are_a_conflict() -> None:
    for members in permutations([extension("a"), extension("b")]):
        with pytest.raises(HookConflict) as caught:
            seal(*members)
        error = caught.value
        assert "extension 'a' of hvcore-a 1.0 and extension 'b' of hvcore-b 1.0" in error.message
        assert "HVCORE_ORDER=a,b" in str(error.resolution)


def test_overriders_of_different_choices_and_collectors_need_no_order() -> None:
    seal(extension("a"), extension("b", PicksOther()))


def test_a_default_needs_no_order_against_an_extension() -> None:
    default = Member("toy-0", Picks("default"), Origin.DEFAULT, "hvcore-toy 2.0")
    assert seal(default, extension("a")).choose(Spec.pick, 1) == "a"


@pytest.mark.parametrize(
    ("members", "order", "wanted"),
    [
        ([extension("a"), extension("b")], ("a", "b"), "ab"),
        ([extension("a"), extension("b")], ("b", "a"), "ba"),
        ([extension("a"), extension("b")], ("b", "x", "a", "b"), "ba"),
        ([extension("a", after=("b",)), extension("b")], (), "ba"),
        ([extension("a"), extension("b", before=("a",))], (), "ba"),
        ([extension("a", after=("b",)), extension("b")], ("a", "b"), "ab"),
        ([extension("a"), extension("b", before=("a",), after=("c",)), extension("c")], (), "cba"),
        ([extension("a", after=("b",)), extension("b"), extension("c")], ("c", "b"), "cba"),
        ([extension("a"), extension("b", before=("m",)), extension("m", PicksOther(), before=("a",))], (), "bma"),
        ([extension("a", before=("gone",)), extension("b", before=("a",), after=("gone",))], (), "ba"),
    ],
)
def test_the_order_comes_from_configuration_then_from_declarations(
    members: list[Member], order: tuple[str, ...], wanted: str
) -> None:
    for arrangement in permutations(members):
        scope = seal(*arrangement, order=order)
        assert "".join(member.name for member in scope.members) == wanted
        assert scope.choose(Spec.pick, 1) == wanted[0]


def test_an_order_of_some_is_none_for_the_others() -> None:
    for order in (("a",), ("a", "b"), ("c", "a")):
        with pytest.raises(HookConflict):
            seal(extension("a"), extension("b"), extension("c"), order=order)


@pytest.mark.parametrize(
    "members",
    [
        [extension("a", before=("b",)), extension("b", before=("a",))],
        [extension("a", after=("a",))],
        [extension("a", before=("b",)), extension("b", before=("c",)), extension("c", before=("a",))],
    ],
)
def test_an_order_that_goes_round_in_a_circle_is_a_conflict(members: list[Member]) -> None:
    with pytest.raises(HookConflict, match="go round in a circle: ") as caught:
        seal(*members)
    assert "HVCORE_ORDER=" in str(caught.value.resolution)


NAMES = st.sampled_from("abcdef")


@given(
    declared=st.dictionaries(NAMES, st.tuples(st.sets(NAMES, max_size=2), st.sets(NAMES, max_size=2)), max_size=6),
    order=st.lists(NAMES, max_size=4),
    data=st.data(),
)
def test_the_order_of_joining_never_matters(
    declared: dict[str, tuple[set[str], set[str]]], order: list[str], data: st.DataObject
) -> None:
    members = [
        extension(name, before=tuple(sorted(before)), after=tuple(sorted(after)))
        for name, (before, after) in declared.items()
    ]

    def outcome(of: list[Member]) -> list[str] | str:
        try:
            return [member.name for member in ordered(of, order)]
        except HookConflict:
            return "conflict"

    first = outcome(members)
    assert outcome(data.draw(st.permutations(members))) == first
    if isinstance(first, list):
        configured = [name for name in dict.fromkeys(order) if name in first]
        assert [name for name in first if name in configured] == configured
        for name, (before, _) in declared.items():
            for other in before & set(first):
                assert first.index(name) < first.index(other) or {name, other} <= set(configured)
