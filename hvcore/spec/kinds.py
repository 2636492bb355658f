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

A name of the contract that changed still works for a release: ``deprecated`` tells of arguments, ``formerly`` of the hook's
own earlier names. ``answer`` names the type of what is answered, as ``module:name``, so that a wrong one is found where it
comes from.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import pluggy

__all__ = [
    "PROJECT",
    "Deprecation",
    "HookDeclaration",
    "Kind",
    "choose",
    "collect",
    "command",
    "declaration_of",
    "notify",
]

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


class Deprecation(NamedTuple):
    """An argument that still works, for a release.

    Attributes:
        since: the contract version since which it should not be used, such as ``"1.1"``.
        advice: what to do, as a phrase such as ``"use timeout_s instead"``.
        passes: the argument of today whose value it gets; "" when it is still an argument of its own.
        convert: makes its value from that argument's; None passes it on as it is.
    """

    since: str
    advice: str
    passes: str = ""
    convert: Callable[[Any], Any] | None = None


class HookDeclaration(NamedTuple):
    """What a spec declares of a hook beyond its signature.

    Attributes:
        kind: who answers it.
        since: the contract version in which it appeared, such as ``"1.0"``.
        deprecated: the names of arguments that should not be used any more, and what to do.
        formerly: earlier names of the hook that still work, and the contract version that changed each.
        answer: the type of the answer to a choice, or of one item of a collection, as ``module:name``; "" leaves it open.
    """

    kind: Kind
    since: str
    deprecated: Mapping[str, Deprecation] = MappingProxyType({})
    formerly: Mapping[str, str] = MappingProxyType({})
    answer: str = ""


def command(
    *, since: str, deprecated: Mapping[str, Deprecation] | None = None, formerly: Mapping[str, str] | None = None
) -> Callable[[_F], _F]:
    """Declare a hook that exactly one plugin of a scope, the driver, answers."""
    return _declare(HookDeclaration(Kind.COMMAND, since, deprecated or {}, formerly or {}))


def choose(
    *,
    since: str,
    deprecated: Mapping[str, Deprecation] | None = None,
    formerly: Mapping[str, str] | None = None,
    answer: str = "",
) -> Callable[[_F], _F]:
    """Declare a hook whose first answer that is not None wins; the default implementation is asked last."""
    return _declare(HookDeclaration(Kind.CHOOSE, since, deprecated or {}, formerly or {}, answer))


def collect(
    *,
    since: str,
    deprecated: Mapping[str, Deprecation] | None = None,
    formerly: Mapping[str, str] | None = None,
    answer: str = "",
) -> Callable[[_F], _F]:
    """Declare a hook that every plugin may answer with items; the caller gets all of them in the declared order."""
    return _declare(HookDeclaration(Kind.COLLECT, since, deprecated or {}, formerly or {}, answer))


def notify(
    *, since: str, deprecated: Mapping[str, Deprecation] | None = None, formerly: Mapping[str, str] | None = None
) -> Callable[[_F], _F]:
    """Declare a notice that every plugin may hear; one that fails is logged and disturbs nobody."""
    return _declare(HookDeclaration(Kind.NOTIFY, since, deprecated or {}, formerly or {}))


def declaration_of(function: Callable[..., Any]) -> HookDeclaration | None:
    """Return what a spec function was declared as, or None when it is no hook."""
    declaration = getattr(function, _MARK, None)
    return declaration if isinstance(declaration, HookDeclaration) else None


def _declare(declaration: HookDeclaration) -> Callable[[_F], _F]:
    def mark(function: _F) -> _F:
        setattr(function, _MARK, declaration)
        # pluggy stops at the first answer for these two; a notice is called one implementation at a time by the scope.
        return _hookspec(function, firstresult=declaration.kind in (Kind.COMMAND, Kind.CHOOSE))

    return mark
