"""What the four kinds of hook do: choices, collections and notices. Commands: ``test_scope``."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import Any

import pytest

from hvcore.errors import HookFailed, HypervisorError, OperationFailed
from hvcore.member import Member, Origin
from hvcore.plugin import choose, collect, command, hookimpl, notify
from hvcore.scope import Scope


class Spec:
    @command(since="1.0")
    def act(self, name: str) -> None:
        raise NotImplementedError

    @choose(since="1.0")
    def pick(self, size: int) -> str | None:
        raise NotImplementedError

    @collect(since="1.0")
    def gather(self, size: int) -> Iterable[str]:
        raise NotImplementedError

    @notify(since="1.0")
    def told(self, text: str, times: int) -> None:
        raise NotImplementedError


class Picks:
    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.asked = 0

    @hookimpl
    def pick(self, size: int) -> str | None:
        self.asked += 1
        return self.answer

    @hookimpl
    def gather(self, size: int) -> list[str]:
        return [f"{self.answer}{number}" for number in range(size)]


def sealed(*members: Member, order: Iterable[str] = ()) -> Scope:
    scope = Scope("toy", (Spec,))
    for member in members:
        scope.join(member)
    scope.seal(tuple(order))
    return scope


def driver(implementation: object) -> Member:
    return Member("toy", implementation, Origin.DRIVER, "hvcore-toy 2.0")


def default(implementation: object) -> Member:
    return Member("toy-0", implementation, Origin.DEFAULT, "hvcore-toy 2.0")


def extension(name: str, implementation: object) -> Member:
    return Member(name, implementation, Origin.EXTENSION, f"hvcore-{name} 1.0")


# Choices.


def test_choose_takes_the_first_that_does_not_decline_and_asks_no_further() -> None:
    first, second, last, fallback = Picks(None), Picks("second"), Picks("last"), Picks("default")
    scope = sealed(
        default(fallback), extension("a", first), extension("b", second), extension("c", last), order=("a", "b", "c")
    )
    assert scope.choose(Spec.pick, size=1) == "second"
    assert [picks.asked for picks in (first, second, last, fallback)] == [1, 1, 0, 0]


def test_choose_asks_the_default_last() -> None:
    assert sealed(default(Picks("default")), extension("a", Picks(None))).choose(Spec.pick, 1) == "default"


def test_choose_says_who_declined() -> None:
    scope = sealed(default(Picks(None)), extension("a", Picks(None)))
    with pytest.raises(HookFailed) as caught:
        scope.choose(Spec.pick, 1)
    assert "extension 'a' of hvcore-a 1.0, default 'toy-0' of hvcore-toy 2.0" in caught.value.message
    with pytest.raises(HookFailed, match="nobody chose for pick: no plugin answers it"):
        sealed().choose(Spec.pick, 1)


def test_an_error_inside_a_step_leaves_the_operation_to_the_command_around_it() -> None:
    class Chooses:
        scope: Scope

        @hookimpl
        def act(self, name: str) -> None:
            self.scope.choose(Spec.pick, size=1)

    class Refuses:
        @hookimpl
        def pick(self, size: int) -> str | None:
            raise OperationFailed("no bridge")

    for extensions in ([extension("a", Refuses())], []):
        chooser = Chooses()
        chooser.scope = sealed(driver(chooser), *extensions)
        with pytest.raises(HypervisorError) as caught:
            chooser.scope.command(Spec.act, "web1")
        assert (caught.value.operation, caught.value.instance) == ("act", "web1")


# Collections.


def test_collect_returns_all_items_in_the_order_asked() -> None:
    members = [default(Picks("d")), extension("b", Picks("b")), extension("a", Picks("a"))]
    for arrangement in permutations(members):
        scope = sealed(*arrangement, order=("b", "a"))
        assert scope.collect(Spec.gather, size=2) == ("b0", "b1", "a0", "a1", "d0", "d1")
    assert sealed().collect(Spec.gather, size=2) == ()


def test_collect_takes_what_an_answerer_yields() -> None:
    class Yields:
        @hookimpl
        def gather(self, size: int) -> Iterator[str]:
            yield from "ab"

    assert sealed(extension("a", Yields())).collect(Spec.gather, size=2) == ("a", "b")


@pytest.mark.parametrize("answer", ["text", b"bytes", 5])
def test_collect_refuses_what_is_not_several_items(answer: object) -> None:
    class Wrong:
        @hookimpl
        def gather(self, size: int) -> Any:
            return answer

    with pytest.raises(HookFailed, match=r"gather was answered with a \w+, not with a list of items"):
        sealed(extension("a", Wrong())).collect(Spec.gather, size=2)


def test_collect_reports_an_exception_while_items_are_yielded() -> None:
    class Breaks:
        @hookimpl
        def gather(self, size: int) -> Iterator[str]:
            yield "a"
            raise ValueError("later")

    with pytest.raises(HookFailed, match="gather raised ValueError: later"):
        sealed(extension("a", Breaks())).collect(Spec.gather, size=2)


# Notices.


def test_notify_reaches_everyone_even_when_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    class Hears:
        def __init__(self, name: str) -> None:
            self.name = name

        @hookimpl
        def told(self, times: int) -> None:
            heard.append(f"{self.name} {times}")
            if self.name == "b":
                raise OperationFailed("deaf")

    scope = sealed(*(extension(name, Hears(name)) for name in "cab"))
    with caplog.at_level(logging.ERROR, logger="hvcore.notices"):
        scope.notify(Spec.told, text="hello", times=3)
    assert heard == ["a 3", "b 3", "c 3"]
    assert caplog.messages == ["toy: extension:b failed to hear told"]
    assert caplog.records[0].exc_info


def test_notify_without_listeners_does_nothing(caplog: pytest.LogCaptureFixture) -> None:
    sealed().notify(Spec.told, "hello", 1)
    assert caplog.messages == []


def test_notify_hears_every_argument_and_no_other() -> None:
    scope: Any = sealed()
    with pytest.raises(HookFailed, match="told takes text, times and was given text"):
        scope.notify(Spec.told, text="hello")
