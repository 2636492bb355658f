"""Clauses: promises of the contract, each tried by one test method."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from hvcore.testing.conformance.trial import Trial

__all__ = ["MARK", "Clause", "Level", "Verdict", "clause", "clauses_of"]

MARK = "__hvcore_clause__"
"""The attribute of a test method that holds its clause; pytest makes it a keyword of the test's report."""

_PREFIX = "test_"
_Test = Callable[[Any, "Trial"], None]


class Level(enum.StrEnum):
    """How much of the contract a hypervisor keeps; each level includes those before it."""

    CORE = "core"
    FULL = "full"
    MIGRATION = "migration"

    @property
    def included(self) -> tuple[Level, ...]:
        """The level itself and those that it includes."""
        levels = tuple(Level)
        return levels[: levels.index(self) + 1]


class Verdict(enum.StrEnum):
    """How a clause ends."""

    IMPLEMENTED = "implemented"
    UNSUPPORTED = "declared unsupported"
    FAILED = "failed"


@frozen
class Clause:
    """One promise of the contract.

    Attributes:
        id: its name, made from that of its test method.
        text: the promise, in one line.
        level: the lowest level that includes it.
        operations: the operations of the contract without which it cannot be kept; where one of them is declared
            unsupported, so is the clause.
        source: where the promise comes from.
    """

    id: str
    text: str
    level: Level
    operations: tuple[str, ...] = ()
    source: str = ""

    @property
    def test(self) -> str:
        """The name of its test method."""
        return _PREFIX + self.id.replace("-", "_")


def clause(
    text: str, *operations: str, level: Level = Level.CORE, source: str = "hvcore's own"
) -> Callable[[_Test], _Test]:
    """Make a test method the trial of a clause, whose id is the method's name without ``test_`` and with hyphens.

    Args:
        text: the promise, in one line.
        operations: the operations of the contract without which it cannot be kept.
        level: the lowest level that includes it.
        source: where the promise comes from.
    """

    def mark(body: _Test) -> _Test:
        identity = body.__name__.removeprefix(_PREFIX).replace("_", "-")
        made = Clause(identity, text, level, operations, source)

        @functools.wraps(body)
        def test(self: Any, trial: Trial) -> None:
            from hvcore.testing.conformance.judge import judge

            judge(made, lambda: body(self, trial), trial)

        test.__doc__ = text
        setattr(test, MARK, made)
        return test

    return mark


def clauses_of(suite: type) -> tuple[Clause, ...]:
    """Return the clauses of a class, in the order in which they are written."""
    found: dict[str, Clause] = {}
    for kind in suite.__mro__:
        for name, thing in vars(kind).items():
            made = getattr(thing, MARK, None)
            if isinstance(made, Clause):
                found.setdefault(name, made)
    return tuple(found.values())
