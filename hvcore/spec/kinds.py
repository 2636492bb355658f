"""The four kinds of hook, and the decorators that declare them on a spec.

========  ==================================  ==========================  =====================================
kind      who answers                         when nobody answers         what the caller gets
========  ==================================  ==========================  =====================================
command   exactly one: the driver             ``Unsupported``             its answer
choose    the first that does not decline     an error naming decliners   that answer (declining is None)
collect   all, merged in the declared order   nothing                     one tuple of all the items
notify    all, each isolated                  nothing                     nothing; a failure is logged
========  ==================================  ==========================  =====================================

Wrappers may stand around every kind but notices, which each listener hears alone.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, TypeVar

import pluggy
from attrs import frozen

__all__ = ["PROJECT", "HookDeclaration", "Kind", "choose", "collect", "command", "declaration_of", "notify"]

PROJECT = "hvcore"
"""The project name that pluggy's markers share."""

_MARK = "__hvcore_hook__"
_F = TypeVar("_F", bound=Callable[..., Any])
_hookspec = pluggy.HookspecMarker(PROJECT)


class Kind(enum.StrEnum):
    """Who answers a hook, and what happens when nobody does."""

    COMMAND = "command"
    CHOOSE = "choose"
    COLLECT = "collect"
    NOTIFY = "notify"


@frozen
class HookDeclaration:
    """What a spec declares of a hook beyond its signature.

    Attributes:
        kind: who answers it.
        since: the contract version in which it appeared, such as ``"1.0"``.
    """

    kind: Kind
    since: str


def command(*, since: str) -> Callable[[_F], _F]:
    """Declare a hook that exactly one plugin of a scope, the driver, answers."""
    return _declare(Kind.COMMAND, since)


def choose(*, since: str) -> Callable[[_F], _F]:
    """Declare a hook whose first answer that is not None wins; the default implementation is asked last."""
    return _declare(Kind.CHOOSE, since)


def collect(*, since: str) -> Callable[[_F], _F]:
    """Declare a hook that every plugin may answer with items; the caller gets all of them in the declared order."""
    return _declare(Kind.COLLECT, since)


def notify(*, since: str) -> Callable[[_F], _F]:
    """Declare a notice that every plugin may hear; one that fails is logged and disturbs nobody."""
    return _declare(Kind.NOTIFY, since)


def declaration_of(function: Callable[..., Any]) -> HookDeclaration | None:
    """Return what a spec function was declared as, or None when it is no hook."""
    declaration = getattr(function, _MARK, None)
    return declaration if isinstance(declaration, HookDeclaration) else None


def _declare(kind: Kind, since: str) -> Callable[[_F], _F]:
    def mark(function: _F) -> _F:
        setattr(function, _MARK, HookDeclaration(kind, since))
        # pluggy stops at the first answer for these two; a notice is called one implementation at a time by the scope.
        return _hookspec(function, firstresult=kind in (Kind.COMMAND, Kind.CHOOSE))

    return mark
