"""Who may join a scope, and what they answer there."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Mapping
from typing import Any

from attrs import Factory, evolve, field, frozen

from hvcore.spec.kinds import PROJECT

__all__ = ["MARK", "Member", "Origin", "marked_methods", "place_of"]

MARK = f"{PROJECT}_impl"
"""The attribute in which ``@hookimpl`` leaves its options, for pluggy to find."""


class Origin(enum.IntEnum):
    """Where a member stands; whoever has the lower number is asked first."""

    EXTENSION = 0
    DEFAULT = 1
    DRIVER = 2


def _find_marked(member: Member) -> dict[str, dict[str, Any]]:
    return marked_methods(member.implementation)


def _find_hooks(member: Member) -> dict[str, bool]:
    return {
        member.hook_of(name): bool(options["wrapper"] or options["hookwrapper"])
        for name, options in member.marked.items()
    }


@frozen(eq=False)
class Member:
    """One object that answers hooks of a scope.

    Attributes:
        name: its name; for an extension that of its entry point.
        implementation: the object with the ``@hookimpl`` methods.
        origin: driver, default step or extension.
        distribution: the distribution it comes from, with its version.
        before: names of extensions that are asked after this one.
        after: names of extensions that are asked before this one.
        contract: the contract that it states it was written for; None when it states none.
        former: earlier names of hooks, and what they are called today.
        marked: method name -> the options of its ``@hookimpl``, for every method that has one.
        hooks: hook name -> whether it wraps the others, for every such method.
    """

    name: str
    implementation: object
    origin: Origin = Origin.EXTENSION
    distribution: str = "this process"
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    contract: object = None
    former: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    marked: dict[str, dict[str, Any]] = field(init=False, repr=False, default=Factory(_find_marked, takes_self=True))
    hooks: dict[str, bool] = field(init=False, repr=False, default=Factory(_find_hooks, takes_self=True))

    @property
    def key(self) -> str:
        """A name that is unique within a scope."""
        return f"{self.origin.name.lower()}:{self.name}"

    def hook_of(self, method: str) -> str:
        """Return the hook, by its name of today, that a marked method answers or wraps."""
        name = self.written_for(method)
        return self.former.get(name, name)

    def written_for(self, method: str) -> str:
        """Return the hook that a marked method answers or wraps, as its author calls it."""
        return str(self.marked[method].get("specname") or method)

    def knowing(self, former: Mapping[str, str]) -> Member:
        """Return the member with earlier names of hooks understood."""
        return evolve(self, former=former) if former.keys() & self.hooks.keys() else self

    def place_for(self, hook: str) -> str:
        """Return ``FILE:LINE`` of its method for a hook; "" when that is not known."""
        methods = [name for name in self.marked if self.hook_of(name) == hook]
        return place_of(getattr(self.implementation, methods[0])) if methods else ""

    def answers(self, hook: str) -> bool:
        """Tell whether it answers a hook itself, not only wraps others."""
        return self.hooks.get(hook) is False

    def role_in(self, hook: str) -> str | None:
        """Return what it is for a hook: driver, default, extension, wrapper, or None when it has no part in it."""
        wraps = self.hooks.get(hook)
        if wraps is None:
            return None
        return "wrapper" if wraps else self.origin.name.lower()

    def describe(self) -> str:
        """Return its role, name and distribution for messages."""
        return f"{self.origin.name.lower()} {self.name!r} of {self.distribution}"


def marked_methods(implementation: object) -> dict[str, dict[str, Any]]:
    """Return the options of every method marked ``@hookimpl``, by method name; no property is evaluated."""
    found: dict[str, dict[str, Any]] = {}
    for name, attribute in sorted(_namespace(implementation).items()):
        if inspect.isroutine(attribute):
            # The mark may be above or below a @staticmethod.
            options = getattr(attribute, MARK, None) or getattr(getattr(attribute, "__func__", None), MARK, None)
            if isinstance(options, dict):
                found[name] = options
    return found


def place_of(where: Any) -> str:
    """Return where something is written, as ``FILE:LINE``; "" when that is not known."""
    try:
        file = inspect.getsourcefile(where)
        _, line = inspect.getsourcelines(where)
    except (OSError, TypeError):
        return ""
    return f"{file}:{max(line, 1)}"


def _namespace(implementation: object) -> dict[str, object]:
    """Everything that an object offers, as it was written: nothing is bound and nothing evaluated."""
    kind = implementation if inspect.isclass(implementation) else type(implementation)
    names = {name: value for base in reversed(kind.__mro__) for name, value in vars(base).items()}
    return names if kind is implementation else {**names, **getattr(implementation, "__dict__", {})}
