"""The one place that calls hooks: a private plugin manager for one hypervisor.

A scope knows the contract and the hypervisor's own step specs. It is filled, sealed, and only then called; what joins
it answers for this hypervisor alone. Hooks are called by their spec function, so that a type checker sees name, arguments
and answer::

    scope.command(LifecycleSpec.stop_instance, instance=None, name="web1", force=True, retry=False, timeout_s=None)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import pluggy

from hvcore.errors import HookFailed, HypervisorError, InvalidPlugin, Unsupported, one_line
from hvcore.hook import Answerer, Hook, bind, hooks_of, instance_in, is_several
from hvcore.member import Member, Origin
from hvcore.order import check_answerers, command_conflict, ordered
from hvcore.seal import check_member, check_spec
from hvcore.spec.kinds import PROJECT, Kind
from hvcore.spec.versions import ContractWarning, agree

__all__ = ["Answerer", "Hook", "Scope"]

NoticeObserver = Callable[[Member, Hook, Exception | None], None]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def _nobody(member: Member, hook: Hook, error: Exception | None) -> None:
    """Keep nothing."""


class _Manager(pluggy.PluginManager):
    """pluggy's manager, which does not look for hooks in what every object has."""

    def parse_hookspec_opts(self, module_or_class: Any, name: str) -> Any:
        return None if name.startswith("__") else super().parse_hookspec_opts(module_or_class, name)

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)


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
        self._manager = _Manager(PROJECT)
        self._hooks: dict[str, Hook] = {}
        self._former: dict[str, str] = {}
        self._members: list[Member] = []
        self._by_key: dict[str, Member] = {}
        self._answered: frozenset[str] = frozenset()
        self._sealed = False
        self.on_notice: NoticeObserver = _nobody
        """Told whenever a listener has heard a notice, with the error when it failed."""
        for spec in specs:
            for hook in hooks_of(spec):
                check_spec(hook.function)
                self._hooks[hook.name] = hook
                self._former |= dict.fromkeys(hook.declaration.formerly, hook.name)
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
    def former(self) -> Mapping[str, str]:
        """Earlier names of hooks, and what they are called today."""
        return self._former

    @property
    def members(self) -> tuple[Member, ...]:
        """Everyone who joined, in the order in which they are asked."""
        return tuple(self._members)

    def join(self, member: Member) -> tuple[str, ...]:
        """Take a member in, before the scope is sealed.

        Returns:
            What its author should mend, though it works: a contract that is newer than ours, names that are deprecated. Each
            is a ``ContractWarning``, too.

        Raises:
            InvalidPlugin: it breaks a rule; the scope is as it was.
            HookConflict: it is an extension and answers a command that is answered already; the scope is as it was.
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
        known = member.knowing(self._former)
        check_member(known, {name: hook.function for name, hook in self._hooks.items()}, self.hypervisor)
        if known.origin is Origin.EXTENSION:
            self._check_commands(known)
        notes = self._notes_on(known)
        self._members.append(known)
        return notes

    def _check_commands(self, extension: Member) -> None:
        """Refuse an extension that answers what the driver answers, so that it alone is left out."""
        for driver in self._members:
            if driver.origin is Origin.DRIVER:
                for hook in self._hooks.values():
                    if (
                        hook.declaration.kind is Kind.COMMAND
                        and extension.answers(hook.name)
                        and driver.answers(hook.name)
                    ):
                        raise command_conflict(self.hypervisor, hook.name, extension, driver)

    def _notes_on(self, member: Member) -> tuple[str, ...]:
        newer = agree(member.contract)
        found = [f"it {newer.reason}; {newer.resolution}"] if newer.reason else []
        if member.former or any(hook.declaration.deprecated for hook in self._hooks.values()):
            from hvcore.adapter import old_names

            found += map(str, old_names(member, self._hooks))
        for note in found:
            import warnings

            warnings.warn(f"{member.describe()}: {note}", ContractWarning, stacklevel=3)
        return tuple(found)

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
                self._manager.register(self._shown(member), name=member.key)
            except (pluggy.PluginValidationError, ValueError) as error:
                raise InvalidPlugin(f"{member.describe()} cannot join {self.hypervisor}: {one_line(error)}") from error
        # Looked up in every call, so that it costs the same however many have joined.
        self._by_key = {member.key: member for member in self._members}
        self._answered = frozenset(name for name in self._hooks if any(m.answers(name) for m in self._members))
        self._sealed = True

    def _shown(self, member: Member) -> object:
        """Return what pluggy is shown of a member: the marked methods and nothing else.

        So it evaluates no property, and two members that compare equal are two.
        """
        shown = _Shown()
        for method in member.marked:
            hook = self._hooks.get(member.hook_of(method))
            if hook:
                setattr(shown, method, self._function_for(member, method, hook))
        return shown

    def _function_for(self, member: Member, method: str, hook: Hook) -> Callable[..., Any]:
        if member.origin is not Origin.EXTENSION and not hook.declaration.deprecated and not member.former:
            return getattr(member.implementation, method)  # type: ignore[no-any-return]  # getattr says Any
        from hvcore.adapter import fit

        return fit(member, method, hook)

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
        if hook.name not in self._answered:
            raise Unsupported(
                f"{self.hypervisor} does not support {hook.name}",
                hypervisor=self.hypervisor,
                operation=hook.name,
                instance=instance_in(bind(hook, args, kwargs)),
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
        values = bind(hook, args, kwargs)
        for implementation in reversed(getattr(self._manager.hook, hook.name).get_hookimpls()):
            try:
                implementation.function(*(values[argument] for argument in implementation.argnames))
            except Exception as error:
                import logging

                logging.getLogger("hvcore.notices").exception(
                    "%s: %s failed to hear %s", self.hypervisor, implementation.plugin_name, hook.name
                )
                self.on_notice(self._by_key[implementation.plugin_name], hook, error)
            else:
                self.on_notice(self._by_key[implementation.plugin_name], hook, None)

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
        values = bind(hook, args, kwargs)
        # An operation is a verb of the contract; the steps inside it are told of by whoever takes them.
        operation = hook.name if hook.declaration.kind is Kind.COMMAND else None
        try:
            answer = getattr(self._manager.hook, hook.name)(**values)
            if answer is None and not hook.may_be_none:
                raise self._broke(hook, "was answered with None, which its spec forbids")
            return self._merge(hook, answer) if hook.declaration.kind is Kind.COLLECT else answer
        except HypervisorError as error:
            error.add_context(hypervisor=self.hypervisor, instance=instance_in(values), operation=operation)
            raise
        except Exception as error:
            broke = self._broke(hook, f"raised {one_line(error)}")
            broke.add_context(hypervisor=self.hypervisor, instance=instance_in(values), operation=operation)
            raise broke from error

    def _merge(self, hook: Hook, answers: Any) -> tuple[Any, ...]:
        items: list[Any] = []
        for answer in answers:
            if not is_several(answer):
                raise self._broke(hook, f"was answered with a {type(answer).__name__}, not with a list of items")
            items.extend(answer)
        return tuple(items)

    def _broke(self, hook: Hook, what: str) -> HookFailed:
        whose = ", ".join(f"{a.role} {a.plugin} ({a.distribution})" for a in self.answerers(hook.function))
        # The places of those who may have been installed by somebody else.
        suspects = [m for m in self._members if m.origin is Origin.EXTENSION and hook.name in m.hooks]
        return HookFailed(
            f"{hook.name} {what}",
            details=[f"answered by: {whose}", *(f"{m.name} is at {m.place_for(hook.name)}" for m in suspects)],
            resolution="report it to the plugin's author; --debug shows the traceback",
        )


class _Shown:
    """Holds functions for pluggy to find."""
