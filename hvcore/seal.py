"""The rules that a scope checks before it is called: every one is a mistake that pluggy alone would let pass."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from hvcore.errors import HookConflict, InvalidPlugin
from hvcore.member import Member, Origin, marked_methods
from hvcore.spec.kinds import HookDeclaration, Kind, declaration_of

__all__ = ["check_answerers", "check_member", "ordered"]

_Specs = Mapping[str, tuple[Callable[..., Any], type]]


def check_member(member: Member, specs: _Specs, hypervisor: str) -> None:
    """Check one member against the specs of the scope that it wants to join.

    Args:
        member: who wants to join.
        specs: hook name -> spec function and spec class.
        hypervisor: the scope's hypervisor, for messages.

    Raises:
        InvalidPlugin: it is a class, has a misspelt hook, an unmarked override, a forbidden signature or a forbidden option.
    """
    implementation = member.implementation
    if inspect.isclass(implementation):
        raise _invalid(
            member,
            f"it is the class {implementation.__name__}, not an object",
            implementation,
            f"name an instance in the entry point: {implementation.__name__}()",
        )
    marked = marked_methods(implementation)
    for name, options in marked.items():
        hook = options.get("specname") or name
        function = _function(implementation, name)
        if hook not in specs:
            near = difflib.get_close_matches(hook, specs, n=1)
            hint = f"did you mean {near[0]}?" if near else f"'hv hooks' lists the hooks of {hypervisor}"
            raise _invalid(member, f"{hypervisor} has no hook {hook!r}", function, hint)
        _check_options(member, name, options, function, specs[hook][0])
        _check_signature(member, name, function, specs[hook][0])
    for name in _unmarked_overrides(implementation, specs, marked):
        raise _invalid(
            member, f"{name} has the name of a hook but is not marked", _function(implementation, name), "mark it with @hookimpl"
        )


def check_answerers(
    members: Sequence[Member], declarations: Mapping[str, HookDeclaration], hypervisor: str, order: Sequence[str]
) -> None:
    """Check that no command has two answerers and no choice two extensions without an order.

    Raises:
        HookConflict: naming both members and their distributions.
    """
    for hook, declaration in declarations.items():
        answering = [member for member in members if member.answers(hook)]
        if declaration.kind is Kind.COMMAND and len(answering) > 1:
            raise _conflict(hypervisor, hook, answering[0], answering[1], "disable one of them with HVCORE_DISABLE")
        if declaration.kind is Kind.CHOOSE:
            rivals = [member for member in answering if member.origin is Origin.EXTENSION]
            for first, second in zip(rivals, rivals[1:], strict=False):
                if not _is_ordered(first, second, rivals, order):
                    raise _conflict(
                        hypervisor,
                        hook,
                        first,
                        second,
                        f"give the order, as in HVCORE_ORDER={first.name},{second.name}, or declare before/after in one of them",
                    )


def ordered(members: Sequence[Member], order: Sequence[str]) -> list[Member]:
    """Return the members in the order in which they are asked: extensions, default steps, the driver.

    Extensions are ordered by ``order`` first, then by their own before/after, and by name where neither says more; never by
    the order of installation.

    Raises:
        HookConflict: the declared orders contradict each other.
    """
    extensions = {member.name: member for member in members if member.origin is Origin.EXTENSION}
    others = sorted((m for m in members if m.origin is not Origin.EXTENSION), key=lambda m: (m.origin, m.name))
    asked_earlier: dict[str, set[str]] = {name: set() for name in extensions}
    configured = [name for name in order if name in extensions]
    for earlier, later in zip(configured, configured[1:], strict=False):
        asked_earlier[later].add(earlier)
    for member in extensions.values():
        for name in member.after:
            if name in extensions and not _decides(configured, member.name, name):
                asked_earlier[member.name].add(name)
        for name in member.before:
            if name in extensions and not _decides(configured, member.name, name):
                asked_earlier[name].add(member.name)
    sorter = TopologicalSorter(asked_earlier)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise HookConflict(
            f"the extensions' before/after go round in a circle: {circle}",
            resolution=f"give the order, as in HVCORE_ORDER={','.join(dict.fromkeys(error.args[1]))}",
        ) from error
    result: list[Member] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        result.extend(extensions[name] for name in ready)
        sorter.done(*ready)
    return result + others


def _decides(configured: Sequence[str], one: str, other: str) -> bool:
    return one in configured and other in configured


def _is_ordered(first: Member, second: Member, rivals: Sequence[Member], order: Sequence[str]) -> bool:
    """Whether something says that ``first`` is asked before ``second``, directly or through other rivals."""
    if _decides(order, first.name, second.name):
        return True
    by_name = {member.name: member for member in rivals}
    reached, frontier = {first.name}, [first.name]
    while frontier:
        name = frontier.pop()
        nexts = set(by_name[name].before) | {m.name for m in rivals if name in m.after}
        for following in (nexts & by_name.keys()) - reached:
            reached.add(following)
            frontier.append(following)
    return second.name in reached


def _check_options(
    member: Member, name: str, options: Mapping[str, Any], function: Callable[..., Any], spec: Callable[..., Any]
) -> None:
    declaration = declaration_of(spec)
    if declaration is not None and declaration.kind is Kind.NOTIFY and (options["wrapper"] or options["hookwrapper"]):
        raise _invalid(
            member,
            f"{name} wraps a notice; each listener hears it alone, so there is nothing to wrap",
            function,
            "mark it with a plain @hookimpl",
        )
    if options["tryfirst"] or options["trylast"]:
        raise _invalid(
            member,
            f"{name} asks for tryfirst or trylast, which depends on who else is installed",
            function,
            "declare before/after with hvcore.plugin.Extension instead",
        )


def _check_signature(member: Member, name: str, function: Callable[..., Any], spec: Callable[..., Any]) -> None:
    allowed = tuple(inspect.signature(spec).parameters)[1:]
    parameters = list(inspect.signature(function).parameters.values())
    for parameter in parameters[1:] if parameters and parameters[0].name == "self" else parameters:
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            raise _invalid(
                member, f"{name} takes {parameter}, which no hook can pass", function, "use plain positional arguments"
            )
        if parameter.default is not inspect.Parameter.empty:
            raise _invalid(
                member,
                f"{name} gives {parameter.name} a default, which would hide the caller's value",
                function,
                "remove the default; hvcore's callers always pass every argument",
            )
        if parameter.name not in allowed:
            near = difflib.get_close_matches(parameter.name, allowed, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the hook passes: {', '.join(allowed) or 'nothing'}"
            raise _invalid(member, f"{name} asks for {parameter.name!r}, which the hook does not pass", function, hint)


def _unmarked_overrides(implementation: object, specs: _Specs, marked: Mapping[str, Any]) -> list[str]:
    """Return the methods that carry a hook's name but neither are the spec's own nor marked."""
    if inspect.ismodule(implementation):
        return []
    found: list[str] = []
    for name, (spec_function, _) in specs.items():
        if name in marked:
            continue
        attribute = inspect.getattr_static(type(implementation), name, None)
        function = getattr(attribute, "__func__", attribute)
        if inspect.isfunction(function) and function is not spec_function:
            found.append(name)
    return found


def _function(implementation: object, name: str) -> Callable[..., Any]:
    namespace = implementation if inspect.ismodule(implementation) else type(implementation)
    attribute = inspect.getattr_static(namespace, name)
    function: Callable[..., Any] = getattr(attribute, "__func__", attribute)
    return function


def _invalid(member: Member, what: str, where: object, resolution: str) -> InvalidPlugin:
    place = _place(where)
    details = [f"at {place}"] if place else []
    return InvalidPlugin(f"{member.describe()}: {what}", details=details, resolution=resolution)


def _place(where: object) -> str:
    try:
        file = inspect.getsourcefile(where)  # type: ignore[arg-type]  # a TypeError is what we ask for
        _, line = inspect.getsourcelines(where)  # type: ignore[arg-type]  # likewise
    except (OSError, TypeError):
        return ""
    return f"{file}:{line}"


def _conflict(hypervisor: str, hook: str, first: Member, second: Member, resolution: str) -> HookConflict:
    return HookConflict(
        f"{hook}: both {first.describe()} and {second.describe()} answer it, and nothing says which comes first",
        hypervisor=hypervisor,
        operation=hook,
        resolution=resolution,
    )
