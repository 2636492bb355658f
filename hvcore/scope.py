"""The one place that calls hooks: a private plugin manager for one hypervisor.

A scope knows the contract and the hypervisor's own step specs. It is filled, sealed, and only then called; what joins it
answers for this hypervisor alone. Hooks are called by their spec function, so that a type checker sees name, arguments and
answer::

    scope.command(LifecycleSpec.stop_instance, instance=None, name="web1", force=True, retry=False, timeout_s=None)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import pluggy
from attrs import frozen

from hvcore.errors import HookFailed, HypervisorError, InvalidPlugin, Unsupported
from hvcore.member import Member
from hvcore.seal import check_answerers, check_member, ordered
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
    """

    def __init__(self, hypervisor: str, specs: Sequence[type]) -> None:
        self.hypervisor = hypervisor
        self._manager = pluggy.PluginManager(PROJECT)
        self._hooks: dict[str, Hook] = {}
        self._members: list[Member] = []
        self._names: dict[int, str] = {}
        self._sealed = False
        for spec in specs:
            self._manager.add_hookspecs(spec)
            for name, function in inspect.getmembers(spec, inspect.isfunction):
                declaration = declaration_of(function)
                if declaration is not None:
                    self._hooks[name] = Hook(
                        name, spec, function, declaration, _arguments_of(function), _may_be_none(function)
                    )

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """Every hook that the scope knows, in the order of the specs."""
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
            raise InvalidPlugin(f"{member.describe()} comes too late: the scope of {self.hypervisor} is sealed")
        check_member(member, {name: (hook.function, hook.spec) for name, hook in self._hooks.items()}, self.hypervisor)
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
                self._manager.register(member.implementation, name=member.key)
            except (pluggy.PluginValidationError, ValueError) as error:
                raise InvalidPlugin(f"{member.describe()} cannot join {self.hypervisor}: {error}") from error
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
                operation=hook.name,
                details=["each declined, or a wrapper forgot to return the answer it was given"],
                resolution="make one of them return an answer, or remove the wrapper",
            )
        return answer

    def collect(
        self, spec: Callable[Concatenate[Any, P], Iterable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> tuple[T, ...]:
        """Call a hook and return the items of all answers, in the declared order.

        Raises:
            HookFailed: one raised what is not a HypervisorError.
        """
        hook = self._hook(spec, Kind.COLLECT)
        answers: list[Iterable[T]] = self._call(hook, args, kwargs)
        return tuple(item for answer in answers for item in answer)

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
        named = values.get("instance_name") or values.get("name") or getattr(values.get("instance"), "name", None)
        context = {"hypervisor": self.hypervisor, "instance": named, "operation": hook.name}
        try:
            answer = getattr(self._manager.hook, hook.name)(**values)
        except HypervisorError as error:
            error.add_context(**context)
            raise
        except Exception as error:
            raise self._broke(hook, f"raised {type(error).__name__}: {error}", context) from error
        if answer is None and not hook.may_be_none:
            raise self._broke(hook, "answered None, which its spec forbids", context)
        return answer

    def _broke(self, hook: Hook, what: str, context: dict[str, Any]) -> HookFailed:
        answerers = self.answerers(hook.function)
        whose = ", ".join(f"{a.role} {a.plugin} ({a.distribution})" for a in answerers)
        return HookFailed(
            f"{hook.name} {what}",
            details=[f"answered by: {whose}"],
            resolution="report it to the plugin's author; --debug shows the traceback",
            **context,
        )


def _arguments_of(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)[1:]


def _may_be_none(function: Callable[..., Any]) -> bool:
    """Whether the spec's answer may be None; a choice may, since None declines."""
    annotation = str(function.__annotations__.get("return", "None"))
    declaration = declaration_of(function)
    return "None" in annotation or "Optional" in annotation or (declaration is not None and declaration.kind is Kind.CHOOSE)


def _bind(hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    values = {**dict(zip(hook.arguments, args, strict=False)), **kwargs}
    if len(args) > len(hook.arguments) or set(values) != set(hook.arguments):
        raise HookFailed(
            f"{hook.name} takes {', '.join(hook.arguments) or 'no arguments'} and was given {', '.join(values) or 'none'}"
        )
    return values
