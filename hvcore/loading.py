"""From entry points to a hypervisor with a sealed scope: each extension by itself, and what does not fit is kept apart."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hvcore import discovery
from hvcore.context import DriverContext
from hvcore.discovery import ALL_GROUP, HYPERVISORS_GROUP, Candidate, extension_group
from hvcore.errors import HookConflict, HypervisorError, InvalidInput, InvalidPlugin, one_line
from hvcore.hypervisor import Hypervisor
from hvcore.member import Member, Origin
from hvcore.model.names import check_hypervisor_name
from hvcore.plugin import Extension, HypervisorPlugin
from hvcore.scope import Scope
from hvcore.spec.contract import CONTRACT_SPECS
from hvcore.spec.versions import agree
from hvcore.system.locks import InstanceLocks

if TYPE_CHECKING:
    from hvcore.hook import Hook
    from hvcore.model.plugins import BrokenPlugin
    from hvcore.scope import NoticeObserver
    from hvcore.settings import Settings

__all__ = ["Joined", "Loaded", "Place", "load_hypervisor", "place_of"]

Place: TypeAlias = tuple[str, str, str]
"""A plugin's group, name and distribution."""

_LOCKS = ".locks"
_CONTRACT = "hvcore_contract"


class Joined(NamedTuple):
    """What is known of a plugin once it has joined a scope.

    Attributes:
        hooks: the hooks that it answers or wraps, sorted.
        contract: the contract that it states; None when it states none.
        notes: what its author should mend, though it works.
    """

    hooks: tuple[str, ...]
    contract: str | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, member: Member, scope: Scope, notes: Iterable[str]) -> Joined:
        """Return it for a member of a scope."""
        known = {hook.name for hook in scope.hooks}
        stated = None if member.contract is None else str(member.contract)
        return cls(tuple(sorted(known & member.knowing(scope.former).hooks.keys())), stated, tuple(notes))


class Loaded(NamedTuple):
    """A hypervisor that was loaded.

    Attributes:
        hypervisor: the hypervisor.
        joined: the plugins of its scope: its own, and the extensions.
        broken: the extensions that could not join, and why.
    """

    hypervisor: Hypervisor
    joined: dict[Place, Joined]
    broken: tuple[BrokenPlugin, ...]


def load_hypervisor(
    candidate: Candidate,
    extensions: Sequence[Candidate],
    settings: Settings,
    prepare: Callable[[DriverContext], DriverContext],
) -> Loaded:
    """Load a hypervisor with its extensions, and seal its scope.

    Args:
        candidate: its own entry point.
        extensions: the wanted extensions of any hypervisor.
        settings: where state and logs live, and the order of extensions.
        prepare: replaces parts of the driver's surroundings.

    Raises:
        HypervisorError: it is broken itself, or an extension is that the caller handed over.
        HookConflict: two extensions answer one hook, and nothing orders them.
    """
    plugin = _load_plugin(candidate)
    joined: dict[Place, Joined] = {}
    with _blaming(candidate):
        scope = _new_scope(plugin, settings)
        context = prepare(
            DriverContext(
                name=plugin.name,
                scope=scope,
                state_dir=settings.state_dir / plugin.name,
                log_dir=settings.log_dir / plugin.name,
                locks=InstanceLocks(settings.state_dir / _LOCKS / plugin.name, plugin.name),
            )
        )
        driver = Member(
            plugin.name, plugin.driver(context), Origin.DRIVER, candidate.distribution, contract=plugin.contract
        )
        notes = scope.join(driver)
        joined[place_of(candidate)] = Joined.of(driver, scope, notes)
        for number, step in enumerate(plugin.defaults(context)):
            scope.join(Member(f"{plugin.name}-{number}", step, Origin.DEFAULT, candidate.distribution))
    broken = _join_extensions(scope, extensions, joined)
    scope.seal(settings.order)
    return Loaded(Hypervisor(plugin, scope, context), joined, broken)


def place_of(plugin: Candidate | BrokenPlugin) -> Place:
    """Return what tells a plugin from all others."""
    return plugin.group, plugin.name, plugin.distribution


def _new_scope(plugin: HypervisorPlugin, settings: Settings) -> Scope:
    kind: type[Scope] = Scope
    if settings.trace:
        from hvcore.trace import TracedScope

        kind = TracedScope
    scope = kind(plugin.name, (*CONTRACT_SPECS, *plugin.steps))
    scope.on_notice = _keeping_faults(settings, plugin.name)
    return scope


def _keeping_faults(settings: Settings, hypervisor: str) -> NoticeObserver:
    def keep(member: Member, hook: Hook, error: Exception | None) -> None:
        from hvcore.notices import NoticeFaults

        NoticeFaults(settings.state_dir, hypervisor).keep(member, hook, error)

    return keep


def _join_extensions(
    scope: Scope, extensions: Sequence[Candidate], joined: dict[Place, Joined]
) -> tuple[BrokenPlugin, ...]:
    """Let every extension of a hypervisor join; return those that cannot, with the reason.

    Raises:
        HypervisorError: one that the caller handed over cannot.
    """
    groups = {extension_group(scope.hypervisor), ALL_GROUP}
    wanted = [candidate for candidate in extensions if candidate.group in groups]
    faults: list[BrokenPlugin] = []
    for candidate in wanted:
        rivals = [other for other in wanted if other.name == candidate.name]
        try:
            if len(rivals) > 1:
                raise discovery.duplicate(rivals)
            thing = discovery.load(candidate)
            with _blaming(candidate):
                member = _extension_member(candidate, thing)
                notes = scope.join(member)
        except HypervisorError as error:
            if candidate.is_given:
                raise
            faults.append(discovery.broken(candidate, _telling_where(candidate, error)))
        else:
            joined[place_of(candidate)] = Joined.of(member, scope, notes)
    return tuple(faults)


def _telling_where(candidate: Candidate, error: HypervisorError) -> HypervisorError:
    """Add the entry point to an error that names no line of the author's."""
    if candidate.value and not isinstance(error, HookConflict) and not error.details:
        error.details = (f"named by the entry point {candidate.name} = {candidate.value}",)
    return error


def _extension_member(candidate: Candidate, thing: object) -> Member:
    extension = thing if isinstance(thing, Extension) else Extension(thing)
    contract = extension.contract
    return Member(
        candidate.name,
        extension.implementation,
        Origin.EXTENSION,
        candidate.distribution,
        extension.before,
        extension.after,
        getattr(extension.implementation, _CONTRACT, None) if contract is None else contract,
    )


def _load_plugin(candidate: Candidate) -> HypervisorPlugin:
    plugin = discovery.load(candidate)
    if not isinstance(plugin, HypervisorPlugin):
        raise InvalidPlugin(
            f"{candidate.name!r} of {candidate.distribution} is of type {type(plugin).__name__}, not a HypervisorPlugin",
            resolution="name an hvcore.plugin.HypervisorPlugin in the entry point",
        )
    _check_promises(plugin, candidate)
    return plugin


def _check_promises(plugin: HypervisorPlugin, candidate: Candidate) -> None:
    """Refuse a plugin whose name or contract cannot be served."""
    whence = candidate.distribution
    if plugin.name != candidate.name:
        raise InvalidPlugin(
            f"{whence} calls its hypervisor {plugin.name!r} in the plugin and {candidate.name!r} in the entry point",
            resolution="give both the same name",
        )
    try:
        check_hypervisor_name(plugin.name)
    except InvalidInput as error:
        raise InvalidPlugin(f"{whence}: {error.message}", resolution=f"use {error.allowed}") from error
    if extension_group(plugin.name) in {HYPERVISORS_GROUP, ALL_GROUP}:
        raise InvalidPlugin(
            f"{whence} calls its hypervisor {plugin.name!r}, but {extension_group(plugin.name)} is another group",
            resolution="choose another name",
        )
    agreement = agree(plugin.contract)
    if agreement.verdict == "refused":
        raise InvalidPlugin(
            f"{plugin.name!r} of {whence} {agreement.reason}",
            resolution=f"{agreement.resolution}, so that {candidate.project} and hvcore go together",
        )


@contextmanager
def _blaming(candidate: Candidate) -> Generator[None]:
    """Make whatever a plugin's own code raises an error that names the plugin."""
    try:
        yield
    except HypervisorError:
        raise
    except (Exception, SystemExit) as error:
        raise InvalidPlugin(
            f"{candidate.name!r} of {candidate.distribution} cannot be used: {one_line(error)}",
            resolution="report it to the plugin's author; --debug shows the traceback",
        ) from error
