"""A scope that tells of every hook call: who answered, what came of it, and how long it took, as a tree on stderr.

Used only when it is asked for, with ``HVCORE_TRACE=1`` or ``hv --trace``; otherwise none of this is imported. A tree is
written when its outermost call ends, however it ends. Threads have trees of their own.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec

from attrs import define, field

from hvcore.adapter import around, fit
from hvcore.errors import one_line
from hvcore.hook import Hook
from hvcore.member import MARK, Member
from hvcore.scope import Scope
from hvcore.spec.kinds import Kind

__all__ = ["Span", "TracedScope", "render"]

P = ParamSpec("P")


@define(eq=False)
class Span:
    """A call that was made, and those that were made inside it.

    Attributes:
        text: what was called.
        outcome: what came of it; "" while it is under way.
        seconds: how long it took.
        inside: the calls inside it, in order.
    """

    text: str
    outcome: str = ""
    seconds: float = 0.0
    inside: list[Span] = field(factory=list["Span"])


class _Current(threading.local):
    """The calls that are under way in this thread, the innermost one last."""

    def __init__(self) -> None:
        self.spans: list[Span] = []


_current = _Current()


class TracedScope(Scope):
    """A scope whose calls are told on stderr."""

    def notify(self, spec: Callable[..., None], /, *args: Any, **kwargs: Any) -> None:
        """Tell everyone who listens, and trace it."""
        with _span(f"{self.hypervisor}: {spec.__name__} ({Kind.NOTIFY})") as span:
            super().notify(spec, *args, **kwargs)
            span.outcome = "told" if span.inside else "nobody listens"

    def _call(self, hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with _span(f"{self.hypervisor}: {hook.name} ({hook.declaration.kind})") as span:
            answer = super()._call(hook, args, kwargs)
            span.outcome = _said(answer, hook)
            return answer

    def _function_for(self, member: Member, method: str, hook: Hook) -> Callable[..., Any]:
        function = fit(member, method, hook)
        options = getattr(function, MARK)
        text = f"{member.role_in(hook.name)} {member.name} ({member.distribution})"
        plain = getattr(function, "__func__", function)
        bound = int(hasattr(function, "__func__"))
        names = plain.__code__.co_varnames[bound : plain.__code__.co_argcount]
        call = _wrapping(function, text) if options["wrapper"] else _answering(function, text, hook)
        return around(function, hook, names, options, call)


def render(span: Span, depth: int = 0) -> Iterator[str]:
    """Yield a call as lines, those inside it indented."""
    yield f"{'  ' * depth}{span.text}: {span.outcome}, {1000 * span.seconds:.3f} ms"
    for inner in span.inside:
        yield from render(inner, depth + 1)


@contextmanager
def _span(text: str) -> Generator[Span]:
    span = Span(text)
    outer = _current.spans
    if outer:
        outer[-1].inside.append(span)
    outer.append(span)
    begin = time.perf_counter()
    try:
        yield span
    except BaseException as error:
        span.outcome = f"raised {one_line(error)}"
        raise
    finally:
        span.seconds = time.perf_counter() - begin
        # A wrapper that was not asked to its end may still be on top.
        del outer[outer.index(span) :]
        if not outer:
            sys.stderr.write("".join(f"trace: {line}\n" for line in render(span)))


def _answering(function: Callable[..., Any], text: str, hook: Hook) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        with _span(text) as span:
            answer = function(*values)
            span.outcome = _said(answer, hook)
            return answer

    return call


def _wrapping(function: Callable[..., Generator[None, Any, Any]], text: str) -> Callable[..., Any]:
    def call(*values: Any) -> Generator[None, Any, Any]:
        with _span(text) as span:
            answer = yield from function(*values)
            span.outcome = "returned"
            return answer

    return call


def _said(answer: object, hook: Hook) -> str:
    if answer is None:
        return "declined" if hook.declaration.kind is Kind.CHOOSE else "done"
    return f"answered {type(answer).__name__}"
