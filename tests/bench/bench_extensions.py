"""What extensions cost: a hook call with 1, 10 and 50 of them beside one with none, whether they answer it or not."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Generator, Iterable
from typing import Any

from hvcore.member import Member, Origin
from hvcore.plugin import choose, collect, command, hookimpl, notify
from hvcore.scope import Scope

ROUNDS = 15
CALLS = 2000
COUNTS = (1, 10, 50)


class Spec:
    @command(since="1.0")
    def act(self, name: str, force: bool) -> int:
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

    @notify(since="1.0")
    def elsewhere(self, name: str) -> None:
        raise NotImplementedError


class Driver:
    @hookimpl
    def act(self, name: str, force: bool) -> int:
        return 1

    @hookimpl
    def pick(self, name: str) -> str | None:
        return name

    @hookimpl
    def gather(self, name: str) -> list[str]:
        return [name]

    @hookimpl
    def told(self, name: str) -> None:
        """Hear it."""


class Elsewhere:
    @hookimpl
    def elsewhere(self, name: str) -> None:
        """Answer none of the hooks that are measured."""


class Answers:
    @hookimpl(wrapper=True)
    def act(self) -> Generator[None, int, int]:
        return (yield)

    @hookimpl
    def pick(self, name: str) -> str | None:
        return None

    @hookimpl
    def gather(self, name: str) -> list[str]:
        return []

    @hookimpl
    def told(self, name: str) -> None:
        """Hear it."""


CALL: dict[str, Callable[[Scope], object]] = {
    "command": lambda scope: scope.command(Spec.act, name="web1", force=True),
    "choose": lambda scope: scope.choose(Spec.pick, name="web1"),
    "collect": lambda scope: scope.collect(Spec.gather, name="web1"),
    "notify": lambda scope: scope.notify(Spec.told, name="web1"),
}


def scope_with(count: int, kind: Callable[[], object]) -> Scope:
    scope = Scope("toy", (Spec,))
    scope.join(Member("toy", Driver(), Origin.DRIVER, "hvcore-toy 1.0"))
    names = tuple(f"e{number:02}" for number in range(count))
    for name in names:
        scope.join(Member(name, kind(), Origin.EXTENSION, f"hvcore-{name} 1.0"))
    scope.seal(names)
    return scope


def test_calls_with_extensions(timed: Any, report: Any) -> None:
    """Rounds of each in turn, so that a busy machine slows all alike."""
    for what, call in CALL.items():
        for kind in (Elsewhere, Answers):
            scopes = {count: scope_with(count, kind) for count in (0, *COUNTS)}
            times: dict[int, list[float]] = {count: [] for count in scopes}
            for _ in range(ROUNDS):
                for count, scope in scopes.items():
                    times[count].append(timed(lambda call=call, scope=scope: [call(scope) for _ in range(CALLS)]))
            for count in COUNTS:
                word = "that answer it" if kind is Answers else "that do not answer it"
                report(f"{what} with {count} extensions {word} / with none", times[count], times[0])


def test_extensions_that_do_not_answer_cost_nothing(timed: Any) -> None:
    """The one figure that is a promise: the median of the pairs, with room for a busy machine."""
    bare, crowded = scope_with(0, Elsewhere), scope_with(50, Elsewhere)
    for what, call in CALL.items():
        pairs: list[float] = []
        for _ in range(ROUNDS):
            first = timed(lambda call=call: [call(bare) for _ in range(CALLS)])
            second = timed(lambda call=call: [call(crowded) for _ in range(CALLS)])
            pairs.append(second / first)
        assert statistics.median(pairs) < 1.3, what
