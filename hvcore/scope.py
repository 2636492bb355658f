"""The one place that calls hooks: a private plugin manager for one hypervisor.

A scope knows the contract and the hypervisor's own step specs. It is filled, sealed, and only then called; what joins
it answers for this hypervisor alone. Hooks are called by their spec function, so that a type checker sees name, arguments
and answer::

    scope.command(LifecycleSpec.stop_instance, instance=None, name="web1", force=True, retry=False, timeout_s=None)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import pluggy
from attrs import frozen

from hvcore.errors import HookFailed, HypervisorError, InvalidPlugin, Unsupported, one_line
from hvcore.member import Member
from hvcore.seal import check_answerers, check_member, check_spec, ordered, spec_parameters
from hvcore.spec.kinds import PROJECT, HookDeclaration, Kind, declaration_of

__all__ = ["Answerer", "Hook", "Scope"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


@frozen
class Hook:
    """A hook as a scope knows it.

    Attributes:
        name: the hook's name.
        spec: the class that specifies it.
        function: the spec function itself.
        declaration: its kind, and since when it exists.
        arguments: its argument names, in order.
        may_be_none: whether None is an answer that the spec allows.
    """

    name: str
    spec: type
    function: Callable[..., Any]
    declaration: HookDeclaration
    arguments: tuple[str, ...]
    may_be_none: bool


@frozen
class Answerer:
    """Somebody who answers a hook.

    Attributes:
        plugin: the plugin's name.
        distribution: where it comes from.
        role: ``driver``, ``default``, ``extension`` or ``wrapper``.
    """

    plugin: str
    distribution: str
    role: str


class Scope:
    """The hooks of one hypervisor and everyone who answers them.

    Args:
        hypervisor: the hypervisor's name.
        specs: the spec classes: the contract's and the hypervisor's own steps.

    Raises:
        InvalidPlugin: a spec class specifies no hook, one that another specifies, or one with a forbidden signature.
    """

    def __init__(self, hypervisor: str, specs: Sequence[type]) -> None:
        self.hypervisor = hypervisor
        self._manager = pluggy.PluginManager(PROJECT)
        self._hooks: dict[str, Hook] = {}
        self._members: list[Member] = []
        self._sealed = False
        for spec in specs:
            for hook in _hooks_of(spec):
                check_spec(hook.function)
                self._hooks[hook.name] = hook
            try:
                self._manager.add_hookspecs(spec)
            except ValueError as error:
                raise InvalidPlugin(
                    f"{spec.__qualname__} cannot specify hooks of {hypervisor}: {one_line(error)}",
                    hypervisor=hypervisor,
                    resolution="declare each hook once, and give those of a hypervisor its name as a prefix",
                ) from error

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """Every hook that the scope knows, in the order in which the specs are written."""
        return tuple(self._hooks.values())

    @property
    def members(self) -> tuple[Member, ...]:
        """Everyone who joined, in the order in which they are asked."""
        return tuple(self._members)

    def join(self, member: Member) -> None:
        """Take a member in, before the scope is sealed.

        Raises:
            InvalidPlugin: it breaks a rule; the scope is as it was.
        """
        if self._sealed:
            raise InvalidPlugin(
                f"{member.describe()} comes too late: the scope of {self.hypervisor} is sealed",
                resolution="let every member join before the scope is sealed",
            )
        for other in self._members:
            if other.key == member.key:
                raise InvalidPlugin(
                    f"{member.describe()} has the name of {other.describe()}", resolution="rename one of them"
                )
        check_member(member, {name: hook.function for name, hook in self._hooks.items()}, self.hypervisor)
        self._members.append(member)

    def seal(self, order: Sequence[str] = ()) -> None:
        """Fix who is asked in which order; hooks can be called from now on.

        Args:
            order: names of extensions, those asked first in front; it wins over what they declare themselves.

        Raises:
            HookConflict: two members claim one command, or two extensions one choice and nothing orders them.
            InvalidPlugin: pluggy itself refuses a member.
        """
        self._members = ordered(self._members, order)
        declarations = {name: hook.declaration for name, hook in self._hooks.items()}
        check_answerers(self._members, declarations, self.hypervisor, order)
        # pluggy asks whoever registered last first.
        for member in reversed(self._members):
            try:
                self._manager.register(_Marked(member), name=member.key)
            except (pluggy.PluginValidationError, ValueError) as error:
                raise InvalidPlugin(f"{member.describe()} cannot join {self.hypervisor}: {one_line(error)}") from error
        self._sealed = True

    def implements(self, spec_function: Callable[..., Any]) -> bool:
        """Tell whether anybody answers a hook."""
        return bool(self.answerers(spec_function))

    def answerers(self, spec_function: Callable[..., Any]) -> tuple[Answerer, ...]:
        """Return who answers a hook, wrappers first, then in the order in which they are asked."""
        name = self._hook(spec_function).name
        found: list[Answerer] = []
        for member in self._members:
            role = member.role_in(name)
            if role is not None:
                found.append(Answerer(member.name, member.distribution, role))
        return tuple(sorted(found, key=lambda answerer: answerer.role != "wrapper"))

    def command(self, spec: Callable[Concatenate[Any, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a hook that the driver answers.

        Raises:
            Unsupported: the driver does not implement it.
            HypervisorError: the driver's own error, with the context filled in.
            HookFailed: it raised anything else, or answered None where the spec forbids it.
        """
        hook = self._hook(spec, Kind.COMMAND)
        if not any(member.answers(hook.name) for member in self._members):
            raise Unsupported(
                f"{self.hypervisor} does not support {hook.name}",
                hypervisor=self.hypervisor,
                operation=hook.name,
                instance=_instance_in(_bind(hook, args, kwargs)),
                resolution=f"'hv hooks {hook.name}' shows who could answer it",
            )
        answer: R = self._call(hook, args, kwargs)
        return answer

    def choose(self, spec: Callable[Concatenate[Any, P], R | None], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a hook and return the first answer that is not None.

        Raises:
            HookFailed: all declined, or one raised what is not a HypervisorError.
        """
        hook = self._hook(spec, Kind.CHOOSE)
        answer: R | None = self._call(hook, args, kwargs)
        if answer is None:
            asked = ", ".join(member.describe() for member in self._members if member.role_in(hook.name))
            raise HookFailed(
                f"nobody chose for {hook.name}: {asked or 'no plugin answers it'}",
                hypervisor=self.hypervisor,
                details=["each declined, or a wrapper forgot to return the answer it was given"],
                resolution="make one of them return an answer, or remove the wrapper",
            )
        return answer

    def collect(
        self, spec: Callable[Concatenate[Any, P], Iterable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> tuple[T, ...]:
        """Call a hook and return the items of all answers, in the declared order.

        Raises:
            HookFailed: one raised what is not a HypervisorError, or answered what is not several items.
        """
        hook = self._hook(spec, Kind.COLLECT)
        items: tuple[T, ...] = self._call(hook, args, kwargs)
        return items

    def notify(self, spec: Callable[Concatenate[Any, P], None], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Tell everyone who listens; a listener that fails is logged, and the others still hear it."""
        hook = self._hook(spec, Kind.NOTIFY)
        values = _bind(hook, args, kwargs)
        for implementation in reversed(getattr(self._manager.hook, hook.name).get_hookimpls()):
            try:
                implementation.function(*(values[argument] for argument in implementation.argnames))
            except Exception:
                import logging

                logging.getLogger("hvcore.notices").exception(
                    "%s: %s failed to hear %s", self.hypervisor, implementation.plugin_name, hook.name
                )

    def _hook(self, spec_function: Callable[..., Any], kind: Kind | None = None) -> Hook:
        hook = self._hooks.get(spec_function.__name__)
        if hook is None or hook.function is not spec_function:
            raise HookFailed(
                f"{spec_function.__qualname__} is not a hook of {self.hypervisor}", hypervisor=self.hypervisor
            )
        if kind is not None and hook.declaration.kind is not kind:
            raise HookFailed(
                f"{hook.name} is a {hook.declaration.kind} hook and was called as a {kind} one",
                hypervisor=self.hypervisor,
            )
        if not self._sealed:
            raise HookFailed(
                f"{hook.name} was called before the scope of {self.hypervisor} was sealed",
                hypervisor=self.hypervisor,
                resolution="call hooks from the verbs, never from a driver's constructor",
            )
        return hook

    def _call(self, hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values = _bind(hook, args, kwargs)
        # An operation is a verb of the contract; the steps inside it are told of by whoever takes them.
        operation = hook.name if hook.declaration.kind is Kind.COMMAND else None
        try:
            answer = getattr(self._manager.hook, hook.name)(**values)
            if answer is None and not hook.may_be_none:
                raise self._broke(hook, "was answered with None, which its spec forbids")
            return self._merge(hook, answer) if hook.declaration.kind is Kind.COLLECT else answer
        except HypervisorError as error:
            error.add_context(hypervisor=self.hypervisor, instance=_instance_in(values), operation=operation)
            raise
        except Exception as error:
            broke = self._broke(hook, f"raised {one_line(error)}")
            broke.add_context(hypervisor=self.hypervisor, instance=_instance_in(values), operation=operation)
            raise broke from error

    def _merge(self, hook: Hook, answers: Any) -> tuple[Any, ...]:
        items: list[Any] = []
        for answer in answers:
            if not _is_several(answer):
                raise self._broke(hook, f"was answered with a {type(answer).__name__}, not with a list of items")
            items.extend(answer)
        return tuple(items)

    def _broke(self, hook: Hook, what: str) -> HookFailed:
        whose = ", ".join(f"{a.role} {a.plugin} ({a.distribution})" for a in self.answerers(hook.function))
        return HookFailed(
            f"{hook.name} {what}",
            details=[f"answered by: {whose}"],
            resolution="report it to the plugin's author; --debug shows the traceback",
        )


class _Marked:
    """What pluggy is shown of a member: the marked methods and nothing else.

    So it evaluates no property, and two members that compare equal are two.
    """

    def __init__(self, member: Member) -> None:
        for name in member.marked:
            setattr(self, name, getattr(member.implementation, name))


def _hooks_of(spec: type) -> list[Hook]:
    functions = {name: value for kind in reversed(spec.__mro__) for name, value in vars(kind).items()}
    hooks: list[Hook] = []
    for name, function in functions.items():
        declaration = declaration_of(function)
        if declaration is not None:
            hooks.append(Hook(name, spec, function, declaration, _arguments_of(function), _may_be_none(function)))
    return hooks


def _is_several(answer: object) -> bool:
    return isinstance(answer, Iterable) and not isinstance(answer, (str, bytes))


def _arguments_of(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in spec_parameters(function)[1:])


def _may_be_none(function: Callable[..., Any]) -> bool:
    """Whether the spec's answer may be None; a choice may, since None declines."""
    annotation = str(function.__annotations__.get("return", "None"))
    declaration = declaration_of(function)
    if declaration is not None and declaration.kind is Kind.CHOOSE:
        return True
    while annotation != (outer := re.sub(r"\[[^][]*\]", "", annotation)):
        annotation = outer
    return not {"None", "Optional", "typing.Optional"}.isdisjoint(part.strip() for part in annotation.split("|"))


def _bind(hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    values = {**dict(zip(hook.arguments, args, strict=False)), **kwargs}
    if len(args) + len(kwargs) != len(hook.arguments) or values.keys() != set(hook.arguments):
        given = ", ".join((*("a positional one" for _ in args), *kwargs))
        raise HookFailed(
            f"{hook.name} takes {', '.join(hook.arguments) or 'no arguments'} and was given {given or 'none'}",
            resolution="pass every argument once; a type checker finds such a call",
        )
    return values


def _instance_in(values: dict[str, Any]) -> str | None:
    """Return the name of the instance that a call is about, if it is about one."""
    named = values.get("instance_name") or getattr(values.get("instance"), "name", None) or values.get("name")
    return named if isinstance(named, str) else None
