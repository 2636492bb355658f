"""A hook as a scope knows it: read from its spec once, and bound to the arguments of each call."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

from hvcore.errors import HookFailed
from hvcore.seal import spec_parameters
from hvcore.spec.kinds import HookDeclaration, Kind, declaration_of

__all__ = ["Answerer", "Hook", "bind", "hooks_of", "instance_in", "is_several"]


class Hook(NamedTuple):
    """A hook as a scope knows it.

    Attributes:
        name: the hook's name.
        spec: the class that specifies it.
        function: the spec function itself.
        declaration: its kind, and since when it exists.
        arguments: its argument names, in order.
    """

    name: str
    spec: type
    function: Callable[..., Any]
    declaration: HookDeclaration
    arguments: tuple[str, ...]

    @property
    def may_be_none(self) -> bool:
        """Whether None is an answer that the spec allows."""
        return _may_be_none(self.function)


class Answerer(NamedTuple):
    """Somebody who answers a hook.

    Attributes:
        plugin: the plugin's name.
        distribution: where it comes from.
        role: ``driver``, ``default``, ``extension`` or ``wrapper``.
    """

    plugin: str
    distribution: str
    role: str


@cache
def hooks_of(spec: type) -> tuple[Hook, ...]:
    """Return the hooks that a class specifies or inherits, in the order in which they are written."""
    functions = {name: value for kind in reversed(spec.__mro__) for name, value in vars(kind).items()}
    hooks: list[Hook] = []
    for name, function in functions.items():
        declaration = declaration_of(function)
        if declaration is not None:
            hooks.append(Hook(name, spec, function, declaration, _arguments_of(function)))
    return tuple(hooks)


def is_several(answer: object) -> bool:
    """Tell whether an answer is a row of items."""
    return isinstance(answer, Iterable) and not isinstance(answer, (str, bytes))


def _arguments_of(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in spec_parameters(function)[1:])


@cache
def _may_be_none(function: Callable[..., Any]) -> bool:
    """Whether the spec's answer may be None; a choice may, since None declines."""
    annotation = str(function.__annotations__.get("return", "None"))
    declaration = declaration_of(function)
    if declaration is not None and declaration.kind is Kind.CHOOSE:
        return True
    while annotation != (outer := re.sub(r"\[[^][]*\]", "", annotation)):
        annotation = outer
    return not {"None", "Optional", "typing.Optional"}.isdisjoint(part.strip() for part in annotation.split("|"))


def bind(hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name.

    Raises:
        HookFailed: one is missing, unknown or given twice.
    """
    values = {**dict(zip(hook.arguments, args, strict=False)), **kwargs}
    if len(args) + len(kwargs) != len(hook.arguments) or values.keys() != set(hook.arguments):
        given = ", ".join((*("a positional one" for _ in args), *kwargs))
        raise HookFailed(
            f"{hook.name} takes {', '.join(hook.arguments) or 'no arguments'} and was given {given or 'none'}",
            resolution="pass every argument once; a type checker finds such a call",
        )
    return values


def instance_in(values: dict[str, Any]) -> str | None:
    """Return the name of the instance that a call is about, if it is about one."""
    named = values.get("instance_name") or getattr(values.get("instance"), "name", None) or values.get("name")
    return named if isinstance(named, str) else None
