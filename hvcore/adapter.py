"""Functions put around a plugin's own, with the argument names of today's spec, which is what pluggy reads.

One is made only where it is needed: for an argument's earlier name, to look at an extension's answer, and for a trace.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from hvcore.errors import HookFailed
from hvcore.hook import Hook, is_several
from hvcore.member import MARK, Member, Origin, place_of
from hvcore.spec.kinds import Kind

__all__ = ["OldName", "around", "fault_in_answer", "fit", "old_names"]


class OldName(NamedTuple):
    """A name that a member still uses and should not.

    Attributes:
        what: the name and what became of it, in one line.
        advice: what to do about it.
        place: where it is used, as ``FILE:LINE``; "" when that is not known.
    """

    what: str
    advice: str
    place: str

    def __str__(self) -> str:
        return f"{self.what}; {self.advice}{f' (at {self.place})' if self.place else ''}"


def old_names(member: Member, hooks: Mapping[str, Hook]) -> tuple[OldName, ...]:
    """Return the deprecated names that a member uses: of hooks, and of their arguments."""
    found: list[OldName] = []
    for method in member.marked:
        hook, written_for = hooks.get(member.hook_of(method)), member.written_for(method)
        if hook is None:
            continue
        if written_for != hook.name:
            since = hook.declaration.formerly.get(written_for, "")
            place = place_of(getattr(member.implementation, method))
            found.append(
                OldName(f"{written_for} is called {hook.name} since {since}", f"rename it to {hook.name}", place)
            )
        if hook.declaration.deprecated:
            function = getattr(member.implementation, method)
            for argument in _arguments(function):
                old = hook.declaration.deprecated.get(argument)
                if old:
                    what = f"the argument {argument!r} of {hook.name} is deprecated since {old.since}"
                    found.append(OldName(what, old.advice, place_of(function)))
    return tuple(found)


def fit(member: Member, method: str, hook: Hook) -> Callable[..., Any]:
    """Return a member's method as pluggy is to call it: the method itself wherever that will do."""
    function = getattr(member.implementation, method)
    options = member.marked[method]
    deprecated = hook.declaration.deprecated
    arguments = _arguments(function)
    renamed = [deprecated[name].passes if name in deprecated else name for name in arguments]
    current = [now or name for now, name in zip(renamed, arguments, strict=True)]
    if current != list(arguments) or member.written_for(method) != hook.name:
        converters = [deprecated[name].convert if name in deprecated else None for name in arguments]
        # Both names of one argument may be asked for.
        call = _converting(function, [*zip(current, converters, strict=True)])
        current = [*dict.fromkeys(current)]
        function = around(function, hook, current, options, call)
    if member.origin is Origin.EXTENSION and _is_looked_at(hook, options):
        function = around(function, hook, current, options, _looking_at(member, hook, function))
    return function  # type: ignore[no-any-return]  # getattr says Any


def around(
    inner: Callable[..., Any],
    hook: Hook,
    arguments: Sequence[str],
    options: Mapping[str, Any],
    call: Callable[..., Any],
) -> Callable[..., Any]:
    """Return ``call`` with the given argument names, and as a generator function when ``inner`` is one that wraps.

    Args:
        inner: what ``call`` calls in its turn.
        hook: the hook that is answered.
        arguments: the names, as today's spec has them.
        options: those of ``@hookimpl``.
        call: takes the values in the order of the names.
    """
    names = ", ".join(arguments)
    body = f"return (yield from call({names}))" if options["wrapper"] else f"return call({names})"
    made: dict[str, Any] = {"call": call}
    # The names are those of a function's arguments, hence plain identifiers. pluggy reads them from the code object alone.
    exec(f"def {hook.name}({names}):\n    {body}\n", made)  # noqa: S102 - names only, see above
    function: Callable[..., Any] = made[hook.name]
    function.__qualname__ = hook.name
    function.__doc__ = inner.__doc__
    setattr(function, MARK, {**options, "specname": hook.name})
    return function


def fault_in_answer(hook: Hook, answer: object) -> str:
    """Return what is wrong with an answer, as a phrase that follows "answered with"; "" when nothing is.

    Of a type that is a protocol, the answer must have every public member; of any other it must be an instance.
    """
    wanted = hook.declaration.answer
    if hook.declaration.kind is Kind.COLLECT:
        if not is_several(answer):
            return f"a {type(answer).__name__}, not with a list of items"
        if wanted and isinstance(answer, Sequence):
            faults = (_fault_in_value(wanted, item) for item in cast("Sequence[object]", answer))
            return next((f"a list with {fault}" for fault in faults if fault), "")
        return ""
    return _fault_in_value(wanted, answer) if wanted else ""


def _fault_in_value(wanted: str, value: object) -> str:
    from importlib import import_module

    module, _, name = wanted.partition(":")
    kind: type = getattr(import_module(module), name)
    if not getattr(kind, "_is_protocol", False):
        return "" if isinstance(value, kind) else f"a {type(value).__name__}, not with a {name}"
    lacking = [
        member
        for member in {**vars(kind), **kind.__annotations__}
        if not member.startswith("_") and not hasattr(value, member)
    ]
    return f"a {type(value).__name__}, which is no {name}: it has no {', '.join(lacking)}" if lacking else ""


def _is_looked_at(hook: Hook, options: Mapping[str, Any]) -> bool:
    return not options["wrapper"] and (hook.declaration.kind is Kind.COLLECT or bool(hook.declaration.answer))


def _looking_at(member: Member, hook: Hook, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        answer = function(*values)
        fault = "" if answer is None else fault_in_answer(hook, answer)
        if fault:
            place = member.place_for(hook.name)
            raise HookFailed(
                f"{hook.name} was answered with {fault}, by {member.describe()}",
                details=[f"at {place}"] if place else [],
                resolution=f"return what 'hv hooks {hook.name}' says under Returns",
            )
        return answer

    return call


def _converting(
    function: Callable[..., Any], sources: Sequence[tuple[str, Callable[[Any], Any] | None]]
) -> Callable[..., Any]:
    names = [*dict.fromkeys(name for name, _ in sources)]

    def call(*values: Any) -> Any:
        given = dict(zip(names, values, strict=True))
        return function(*(convert(given[name]) if convert else given[name] for name, convert in sources))

    return call


def _arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of a method's arguments without the one that is bound, read where pluggy reads them."""
    plain = getattr(function, "__func__", function)
    code = plain.__code__
    return tuple(code.co_varnames[inspect.ismethod(function) : code.co_argcount])
