"""Who may join a scope, and what they answer there."""

from __future__ import annotations

import enum
import inspect
from typing import Any

from attrs import Factory, field, frozen

from hvcore.spec.kinds import PROJECT

__all__ = ["MARK", "Member", "Origin", "marked_methods"]

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
        options.get("specname") or name: bool(options["wrapper"] or options["hookwrapper"])
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
        marked: method name -> the options of its ``@hookimpl``, for every method that has one.
        hooks: hook name -> whether it wraps the others, for every such method.
    """

    name: str
    implementation: object
    origin: Origin = Origin.EXTENSION
    distribution: str = "this process"
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    marked: dict[str, dict[str, Any]] = field(init=False, repr=False, default=Factory(_find_marked, takes_self=True))
    hooks: dict[str, bool] = field(init=False, repr=False, default=Factory(_find_hooks, takes_self=True))

    @property
    def key(self) -> str:
        """A name that is unique within a scope."""
        return f"{self.origin.name.lower()}:{self.name}"

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


def _namespace(implementation: object) -> dict[str, object]:
    """Everything that an object offers, as it was written: nothing is bound and nothing evaluated."""
    kind = implementation if inspect.isclass(implementation) else type(implementation)
    names = {name: value for base in reversed(kind.__mro__) for name, value in vars(base).items()}
    return names if kind is implementation else {**names, **getattr(implementation, "__dict__", {})}
