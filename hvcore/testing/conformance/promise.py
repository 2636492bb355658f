"""What a clause says when a promise is not kept; a hypervisor's own errors never look like it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from hvcore.errors import HypervisorError, Unsupported, one_line

__all__ = ["BrokenPromise", "NotOffered", "allowed", "ensure", "is_of", "refused"]

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound=HypervisorError)


class BrokenPromise(AssertionError):
    """A hypervisor does not keep a clause.

    Args:
        message: what it did instead.
        clause: the clause's id; filled in by the clause that fails.
    """

    def __init__(self, message: str, clause: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.clause = clause

    def __str__(self) -> str:
        return f"{self.clause}: {self.message}" if self.clause else self.message


class NotOffered(Exception):
    """A clause cannot be tried, for the hypervisor says that it does not offer what the clause is about.

    Args:
        reason: what is not offered.
    """


def ensure(kept: object, otherwise: str) -> None:
    """Fail unless a promise is kept; unlike ``assert`` also where Python leaves out assertions.

    Args:
        kept: whether it is; anything with a truth value.
        otherwise: what the hypervisor did instead.

    Raises:
        BrokenPromise: it is not.
    """
    if not kept:
        raise BrokenPromise(otherwise)


def allowed(what: str, call: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what a call answers that must succeed.

    Args:
        what: what is tried, such as ``a second cleanup``.
        call: the verb.
        args: its arguments.
        kwargs: its arguments by name.

    Raises:
        BrokenPromise: it raised.
        Unsupported: it is not supported, which is for the clause to say.
    """
    try:
        return call(*args, **kwargs)
    except Unsupported:
        raise
    except HypervisorError as error:
        raise BrokenPromise(f"{what} failed with {one_line(error)}") from error


def refused(kind: type[E], what: str, call: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> E:
    """Return the error of a call that must raise one of a kind.

    Args:
        kind: the class of the error.
        what: what is tried, such as ``a second start``.
        call: the verb.
        args: its arguments.
        kwargs: its arguments by name.

    Raises:
        BrokenPromise: it raised nothing, or an error of another kind.
        Unsupported: it is not supported, which is for the clause to say.
    """
    try:
        call(*args, **kwargs)
    except kind as error:
        return error
    except Unsupported:
        raise
    except HypervisorError as error:
        raise BrokenPromise(f"{what} failed with {one_line(error)}, not with {kind.__name__}") from error
    raise BrokenPromise(f"{what} raised nothing, where {kind.__name__} is promised")


def is_of(value: object, *kinds: type) -> bool:
    """Tell whether a value is of a type, whatever a checker has proved of it: a hypervisor need not have been checked."""
    return isinstance(value, kinds)
