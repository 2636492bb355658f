"""The rules that a scope checks before it is called: every one is a mistake that pluggy alone would let pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from types import FunctionType
from typing import Any

from hvcore.errors import InvalidPlugin
from hvcore.member import MARK, Member, marked_methods, place_of
from hvcore.model.refusal import closest
from hvcore.spec.kinds import Deprecation, HookDeclaration, Kind, declaration_of
from hvcore.spec.versions import agree

__all__ = ["check_member", "check_spec", "spec_parameters"]

_Specs = Mapping[str, Callable[..., Any]]

_SPECIAL_OPTIONS = frozenset({"tryfirst", "trylast", "wrapper", "hookwrapper"})
_SPECIAL_FLAGS = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ITERABLE_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)


@cache
def spec_parameters(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    """Return the parameters of a spec function; every scope asks for the same ones."""
    return tuple(inspect.signature(function).parameters.values())


@cache
def check_spec(function: Callable[..., Any]) -> None:
    """Check the signature of one hook's spec.

    Raises:
        InvalidPlugin: it lacks ``self``, or has a default or an argument that cannot be passed by name and by position.
    """
    parameters = spec_parameters(function)
    fault = _fault_in(parameters[1:]) or _fault_in_declaration(
        function, [parameter.name for parameter in parameters[1:]]
    )
    if not parameters or parameters[0].name != "self":
        fault = "does not take self as its first argument", "write it as a method"
    if fault:
        what, resolution = fault
        raise InvalidPlugin(f"the hook {function.__qualname__} {what}", details=_place(function), resolution=resolution)


def _fault_in_declaration(function: Callable[..., Any], passed: Sequence[str]) -> tuple[str, str] | None:
    for name, old in _deprecated(function).items():
        if (old.passes or name) not in passed:
            return f"deprecates {name!r} in favour of what it does not pass", "let passes name one of its arguments"
    return None


def _deprecated(function: Callable[..., Any]) -> Mapping[str, Deprecation]:
    declaration = declaration_of(function)
    return declaration.deprecated if declaration else {}


def check_member(member: Member, specs: _Specs, hypervisor: str) -> None:
    """Check one member against the specs of the scope that it wants to join.

    Args:
        member: who wants to join; it knows earlier names of hooks.
        specs: hook name -> spec function.
        hypervisor: the scope's hypervisor, for messages.

    Raises:
        InvalidPlugin: it is a class, has a misspelt hook, an unmarked override, two methods for one hook, a forbidden
            signature or a forbidden option; or it needs a contract that is not spoken here.
    """
    implementation = member.implementation
    if inspect.isclass(implementation):
        raise _invalid(
            member,
            f"it is the class {implementation.__name__}, not an object",
            implementation,
            f"name an instance in the entry point: {implementation.__name__}()",
        )
    agreement = agree(member.contract)
    if agreement.verdict == "warned":
        agreement = agree(member.contract, _unknown_to(member, specs))
    if agreement.verdict == "refused":
        raise _invalid(member, f"it {agreement.reason}", _home(implementation), agreement.resolution)
    by_hook: dict[str, str] = {}
    for name, options in member.marked.items():
        hook = member.hook_of(name)
        function = getattr(implementation, name)
        if hook not in specs:
            # Of a newer contract than ours; to whoever is written for ours, or an older one, every hook is known.
            if options["optionalhook"] and agreement.verdict == "warned":
                continue
            near = closest(hook, specs)
            hint = f"did you mean {near}?" if near else f"'hv hooks' lists the hooks of {hypervisor}"
            raise _invalid(member, f"{hypervisor} has no hook {hook!r}", function, hint)
        if hook in by_hook:
            what = f"{by_hook[hook]} and {name} both answer {hook}"
            raise _invalid(member, what, function, "keep one of them, or move the other to an object of its own")
        by_hook[hook] = name
        declaration = declaration_of(specs[hook])
        passed = [parameter.name for parameter in spec_parameters(specs[hook])[1:]]
        if _is_ordinary(options, function, passed):
            continue
        old = _deprecated(specs[hook])
        fault = (
            _fault_in_options(options)
            or _fault_in_form(options, function, declaration)
            or _fault_in_self(implementation, function, [*passed, *old])
            or _fault_in(inspect.signature(function).parameters.values(), passed, old)
        )
        if fault:
            raise _invalid(member, f"{name} {fault[0]}", function, fault[1])
    attributes = _attributes(implementation)
    for name in specs:
        here = name in attributes and name not in member.marked
        function = _unmarked(implementation, name, specs[name]) if here else None
        if function:
            raise _invalid(
                member,
                f"{name} has the name of a hook but is not marked",
                function,
                "mark it with @hookimpl, or rename it",
            )
    if not member.marked:
        what, hint = _nothing_marked(implementation)
        raise _invalid(member, what, _home(implementation), hint)


def _unknown_to(member: Member, specs: _Specs) -> list[str]:
    """Name what a member uses and these specs do not know; what it marks as optional is not needed."""
    unknown: list[str] = []
    for name, options in member.marked.items():
        hook = member.hook_of(name)
        if hook not in specs:
            unknown += [] if options["optionalhook"] else [hook]
            continue
        known = {p.name for p in spec_parameters(specs[hook])} | _deprecated(specs[hook]).keys()
        function = getattr(member.implementation, name)
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        asked = code.co_varnames[: code.co_argcount] if code else ()
        unknown += [
            f"{argument} of {hook}" for argument in asked[inspect.ismethod(function) :] if argument not in known
        ]
    return unknown


def _nothing_marked(implementation: object) -> tuple[str, str]:
    """Return why an object answers no hook, and what to do about it."""
    if inspect.ismodule(implementation):
        inside = [
            name for name, thing in vars(implementation).items() if not inspect.isroutine(thing) and _has_marks(thing)
        ]
        what = f"it is the module {implementation.__name__}, which answers no hook itself"
        if not inside:
            return what, f"name an object in the entry point, as in {implementation.__name__}:extension"
        inside.sort(key=lambda name: inspect.isclass(getattr(implementation, name)))
        thing = getattr(implementation, inside[0])
        call = f"an instance of {inside[0]}" if inspect.isclass(thing) else f"{implementation.__name__}:{inside[0]}"
        return what, f"name {call} in the entry point"
    foreign = [
        name
        for name, thing in vars(type(implementation)).items()
        if inspect.isfunction(thing) and any(key.endswith("_impl") and key != MARK for key in vars(thing))
    ]
    if foreign:
        return (
            f"{foreign[0]} is marked with the marker of another project, so it answers no hook",
            "import the marker from hvcore: from hvcore.plugin import hookimpl",
        )
    return "it answers no hook", "mark its methods with @hookimpl"


def _has_marks(thing: object) -> bool:
    return bool(marked_methods(thing)) and getattr(thing, "__module__", "") != "hvcore.base"


def _home(implementation: object) -> object:
    """Return what has a place in a file: the module, or the object's class."""
    return implementation if inspect.ismodule(implementation) else type(implementation)


def _attributes(implementation: object) -> set[str]:
    """Name what an object has, or a module; no property is evaluated for it."""
    if inspect.ismodule(implementation):
        return {*vars(implementation)}
    return {name for kind in type(implementation).__mro__ for name in vars(kind)}


def _is_ordinary(options: Mapping[str, Any], function: Callable[..., Any], passed: Sequence[str]) -> bool:
    """Tell at a glance what is so of nearly every method: it takes all that the hook passes, plainly, and returns."""
    plain = getattr(function, "__func__", None)
    if not isinstance(plain, FunctionType) or _SPECIAL_OPTIONS & {name for name, value in options.items() if value}:
        return False
    code = plain.__code__
    return (
        code.co_varnames[: code.co_argcount] == ("self", *passed)
        and not code.co_flags & _SPECIAL_FLAGS
        and not (code.co_posonlyargcount or code.co_kwonlyargcount or plain.__defaults__)
        and {*vars(plain)} == {MARK}
        and inspect.ismethod(function)
        and not inspect.isclass(function.__self__)
    )


def _fault_in_options(options: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what is wrong with the options of ``@hookimpl``, and what to do about it."""
    if options["tryfirst"] or options["trylast"]:
        return (
            "asks for tryfirst or trylast, which depends on who else is installed",
            "declare before/after with hvcore.plugin.Extension instead",
        )
    if options["wrapper"] and options["hookwrapper"]:
        return "is marked as a wrapper of both kinds", "mark it with @hookimpl(wrapper=True)"
    if options["hookwrapper"]:
        return (
            "is marked with hookwrapper=True, the old form of a wrapper",
            "mark it with @hookimpl(wrapper=True), yield once for the answer itself, and return it",
        )
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


def _fault_in_self(
    implementation: object, function: Callable[..., Any], passed: Collection[str]
) -> tuple[str, str] | None:
    """Return that a method of a class has no self, when it takes nothing or its first argument is one of the hook's."""
    if getattr(function, "__self__", None) is not implementation or not inspect.ismethod(function):
        return None
    code = function.__func__.__code__
    arguments = code.co_varnames[: code.co_argcount]
    if arguments and arguments[0] not in passed:
        return None
    return "takes no self", f"write it as def {function.__name__}({', '.join(('self', *arguments))})"


def _fault_in(
    parameters: Iterable[inspect.Parameter], passed: Sequence[str] | None = None, deprecated: Collection[str] = ()
) -> tuple[str, str] | None:
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
        if passed is not None and name not in passed and name not in deprecated:
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
    place = place_of(where)
    return [f"at {place}"] if place else []
