"""The rules that a scope checks before it is called: every one is a mistake that pluggy alone would let pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

from hvcore.errors import HookConflict, InvalidPlugin
from hvcore.member import MARK, Member, Origin
from hvcore.model.refusal import closest
from hvcore.spec.kinds import HookDeclaration, Kind, declaration_of

__all__ = ["check_answerers", "check_member", "check_spec", "ordered", "spec_parameters"]

_Specs = Mapping[str, Callable[..., Any]]


@cache
def spec_parameters(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    """Return the parameters of a spec function; every scope asks for the same ones."""
    return tuple(inspect.signature(function).parameters.values())


def check_spec(function: Callable[..., Any]) -> None:
    """Check the signature of one hook's spec.

    Raises:
        InvalidPlugin: it lacks ``self``, or has a default or an argument that cannot be passed by name and by position.
    """
    parameters = spec_parameters(function)
    fault = _fault_in(parameters[1:])
    if not parameters or parameters[0].name != "self":
        fault = "does not take self as its first argument", "write it as a method"
    if fault:
        what, resolution = fault
        raise InvalidPlugin(f"the hook {function.__qualname__} {what}", details=_place(function), resolution=resolution)


def check_member(member: Member, specs: _Specs, hypervisor: str) -> None:
    """Check one member against the specs of the scope that it wants to join.

    Args:
        member: who wants to join.
        specs: hook name -> spec function.
        hypervisor: the scope's hypervisor, for messages.

    Raises:
        InvalidPlugin: it is a class, has a misspelt hook, an unmarked override, two methods for one hook, a forbidden
            signature or a forbidden option.
    """
    implementation = member.implementation
    if inspect.isclass(implementation):
        raise _invalid(
            member,
            f"it is the class {implementation.__name__}, not an object",
            implementation,
            f"name an instance in the entry point: {implementation.__name__}()",
        )
    by_hook: dict[str, str] = {}
    for name, options in member.marked.items():
        hook = options.get("specname") or name
        function = getattr(implementation, name)
        if hook not in specs:
            near = closest(hook, specs)
            hint = f"did you mean {near}?" if near else f"'hv hooks' lists the hooks of {hypervisor}"
            raise _invalid(member, f"{hypervisor} has no hook {hook!r}", function, hint)
        if hook in by_hook:
            what = f"{by_hook[hook]} and {name} both answer {hook}"
            raise _invalid(member, what, function, "keep one of them, or move the other to an object of its own")
        by_hook[hook] = name
        fault = (
            _fault_in_options(options)
            or _fault_in_form(options, function, declaration_of(specs[hook]))
            or _fault_in(
                inspect.signature(function).parameters.values(), [p.name for p in spec_parameters(specs[hook])[1:]]
            )
        )
        if fault:
            raise _invalid(member, f"{name} {fault[0]}", function, fault[1])
    for name in specs:
        function = None if name in member.marked else _unmarked(implementation, name, specs[name])
        if function:
            raise _invalid(
                member,
                f"{name} has the name of a hook but is not marked",
                function,
                "mark it with @hookimpl, or rename it",
            )
    if not member.marked:
        raise _invalid(member, "it answers no hook", type(implementation), "mark its methods with @hookimpl")


def check_answerers(
    members: Sequence[Member], declarations: Mapping[str, HookDeclaration], hypervisor: str, order: Sequence[str]
) -> None:
    """Check that no command has two answerers and no choice two extensions without an order.

    Args:
        members: everyone who joined, in the order in which they are asked.
        declarations: hook name -> what its spec declares.
        hypervisor: the scope's hypervisor, for messages.
        order: names of extensions, those asked first in front.

    Raises:
        HookConflict: naming both members and their distributions.
    """
    earlier = _asked_earlier(members, order)
    for hook, declaration in declarations.items():
        answering = [member for member in members if member.answers(hook)]
        if declaration.kind is Kind.COMMAND and len(answering) > 1:
            why, remedy = "a command has one answerer", "disable one of them with HVCORE_DISABLE"
            raise _conflict(hypervisor, hook, answering[0], answering[1], why, remedy)
        if declaration.kind is Kind.CHOOSE:
            # In a list that is sorted already, neighbours that are ordered mean that all are.
            for first, second in pairwise(member for member in answering if member.origin is Origin.EXTENSION):
                if not _reaches(second.name, first.name, earlier):
                    remedy = f"give the order, as in HVCORE_ORDER={first.name},{second.name}, or declare before/after"
                    raise _conflict(hypervisor, hook, first, second, "nothing says which comes first", remedy)


def ordered(members: Sequence[Member], order: Sequence[str]) -> list[Member]:
    """Return the members in the order in which they are asked: extensions, default steps, the driver.

    Extensions are ordered by ``order`` first, then by their own before/after, and by name where neither says more; never
    by the order of installation.

    Raises:
        HookConflict: the declared orders contradict each other.
    """
    extensions = {member.name: member for member in members if member.origin is Origin.EXTENSION}
    others = sorted((m for m in members if m.origin is not Origin.EXTENSION), key=lambda m: (m.origin, m.name))
    sorter = TopologicalSorter(_asked_earlier(members, order))
    try:
        sorter.prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        raise HookConflict(
            f"the extensions' before/after go round in a circle: {' -> '.join(circle)}",
            resolution=f"give the order, as in HVCORE_ORDER={','.join(dict.fromkeys(circle))}",
        ) from error
    result: list[Member] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        result.extend(extensions[name] for name in ready)
        sorter.done(*ready)
    return result + others


def _asked_earlier(members: Sequence[Member], order: Sequence[str]) -> dict[str, set[str]]:
    """Return for each extension the names of those that must be asked before it."""
    extensions = {member.name: member for member in members if member.origin is Origin.EXTENSION}
    earlier: dict[str, set[str]] = {name: set() for name in extensions}
    configured = [name for name in dict.fromkeys(order) if name in extensions]
    for first, second in pairwise(configured):
        earlier[second].add(first)
    for member in extensions.values():
        declared = [(name, member.name) for name in member.after] + [(member.name, name) for name in member.before]
        for first, second in declared:
            # What is configured for both wins over what they declare.
            if {first, second} <= extensions.keys() and not {first, second} <= set(configured):
                earlier[second].add(first)
    return earlier


def _reaches(name: str, wanted: str, earlier: Mapping[str, set[str]]) -> bool:
    """Tell whether ``wanted`` is asked before ``name``, directly or through others."""
    reached, frontier = {name}, [name]
    while frontier:
        for following in earlier[frontier.pop()] - reached:
            reached.add(following)
            frontier.append(following)
    return wanted in reached


def _fault_in_options(options: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what is wrong with the options of ``@hookimpl``, and what to do about it."""
    if options["tryfirst"] or options["trylast"]:
        return (
            "asks for tryfirst or trylast, which depends on who else is installed",
            "declare before/after with hvcore.plugin.Extension instead",
        )
    if options["wrapper"] and options["hookwrapper"]:
        return "is marked as a wrapper of both kinds", "mark it with @hookimpl(wrapper=True)"
    return None


def _fault_in_form(
    options: Mapping[str, Any], function: Callable[..., Any], declaration: HookDeclaration | None
) -> tuple[str, str] | None:
    """Return why a method of this form cannot answer or wrap the hook, and what to do about it."""
    wraps = options["wrapper"] or options["hookwrapper"]
    yields = inspect.isgeneratorfunction(function)
    kind = declaration and declaration.kind
    if not hasattr(function, MARK):
        return "is marked above @classmethod or @staticmethod, where pluggy may not see it", "put @hookimpl below"
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return "is asynchronous, and nobody would await it", "write it as a plain method"
    if wraps and kind is Kind.NOTIFY:
        return "wraps a notice, and each listener hears it alone", "mark it with a plain @hookimpl"
    if wraps and not yields:
        return "is marked as a wrapper and never yields", "yield once, where the others are to be asked"
    if yields and not wraps and kind is not Kind.COLLECT:
        return "yields, so a call of it would do nothing", "return the answer, or mark it with @hookimpl(wrapper=True)"
    return None


def _fault_in(parameters: Iterable[inspect.Parameter], passed: Sequence[str] | None = None) -> tuple[str, str] | None:
    """Return what is wrong with a signature, and what to do about it; ``passed`` names what the hook passes."""
    for parameter in parameters:
        name = parameter.name
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            return (
                f"takes the {parameter.kind.description} argument {name}, which no hook can pass",
                "use a plain argument",
            )
        if parameter.default is not inspect.Parameter.empty:
            return (
                f"gives {name} a default, which would hide the caller's value",
                "remove the default; hvcore's callers always pass every argument",
            )
        if passed is not None and name not in passed:
            near = closest(name, passed)
            hint = f"did you mean {near}?" if near else f"the hook passes: {', '.join(passed) or 'nothing'}"
            return f"asks for {name!r}, which the hook does not pass", hint
    return None


def _unmarked(implementation: object, name: str, spec: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the function of a hook's name that is not the spec's own, or None when there is none."""
    module = implementation if inspect.ismodule(implementation) else None
    attribute = inspect.getattr_static(module or type(implementation), name, None)
    function = getattr(attribute, "__func__", attribute)
    if not inspect.isfunction(function) or function is spec:
        return None
    # A module may well import a function of that name.
    return None if module and function.__module__ != module.__name__ else function


def _invalid(member: Member, what: str, where: object, resolution: str) -> InvalidPlugin:
    return InvalidPlugin(f"{member.describe()}: {what}", details=_place(where), resolution=resolution)


def _place(where: Any) -> list[str]:
    """Return the line for an error's details that says where something is written; none where that is not known."""
    try:
        file = inspect.getsourcefile(where)
        _, line = inspect.getsourcelines(where)
    except (OSError, TypeError):
        return []
    return [f"at {file}:{line}"]


def _conflict(hypervisor: str, hook: str, first: Member, second: Member, why: str, resolution: str) -> HookConflict:
    return HookConflict(
        f"{hook}: both {first.describe()} and {second.describe()} answer it, and {why}",
        hypervisor=hypervisor,
        resolution=resolution,
    )
