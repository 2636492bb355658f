"""The host: a node's installed hypervisors, as one value."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

from attrs import evolve, frozen

from hvcore import discovery
from hvcore.context import DriverContext
from hvcore.discovery import ALL_GROUP, HYPERVISORS_GROUP, Candidate, extension_group
from hvcore.errors import HypervisorError, InvalidInput, InvalidPlugin, StateFailed, UnknownHypervisor, one_line
from hvcore.hypervisor import Hypervisor
from hvcore.member import Member, Origin
from hvcore.model.names import check_hypervisor_name, check_instance_name
from hvcore.plugin import Extension, HypervisorPlugin
from hvcore.scope import Scope
from hvcore.settings import Settings
from hvcore.spec.contract import CONTRACT_SPECS, CONTRACT_VERSION
from hvcore.system.locks import InstanceLocks

if TYPE_CHECKING:
    from hvcore.event_watch import EventWatch
    from hvcore.model.info import InstanceInfo
    from hvcore.model.plugins import BrokenPlugin, InstalledPlugin, PluginReport

__all__ = ["Host", "load"]

_LOCKS = ".locks"
_Place: TypeAlias = tuple[str, str, str]  # a plugin's group, name and distribution


@frozen(eq=False)
class _Loaded:
    """A hypervisor that was loaded.

    Attributes:
        hypervisor: the hypervisor.
        joined: the extensions that joined its scope, and the hooks they answer or wrap.
        broken: those that could not, and why.
    """

    hypervisor: Hypervisor
    joined: dict[_Place, tuple[str, ...]]
    broken: tuple[BrokenPlugin, ...]


class Host:
    """The hypervisors of one node; a value, so that two may live in one process.

    Use ``hvcore.load`` to make one. It holds nothing open, and works as a context manager for those who like to say where
    its use ends.

    Args:
        settings: where state and logs live, which plugins are wanted, and their order.
        candidates: the plugins that were found.
        prepare: replaces parts of each driver's surroundings, in tests.
    """

    def __init__(
        self,
        settings: Settings,
        candidates: Iterable[Candidate],
        prepare: Callable[[DriverContext], DriverContext] = lambda context: context,
    ) -> None:
        self.settings = settings
        self._candidates = tuple(candidates)
        self._prepare = prepare
        self._loaded: dict[str, _Loaded] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loaded.clear()

    @property
    def hypervisor_names(self) -> tuple[str, ...]:
        """The names of the hypervisors that are installed and wanted, sorted; none is loaded for it."""
        names = {c.name for c in self._of(HYPERVISORS_GROUP) if not self.settings.selection.refusal(c)}
        return tuple(sorted(names))

    def hypervisor(self, name: str) -> Hypervisor:
        """Return one hypervisor, ready to use.

        Args:
            name: its name, such as ``lxc``.

        Raises:
            UnknownHypervisor: no wanted plugin has that name; says what is installed.
            HookConflict: two distributions claim the name, or two extensions one hook.
            InvalidPlugin: its plugin is broken.
        """
        if name not in self._loaded:
            try:
                self._loaded[name] = self._load(self._candidate(name))
            except HypervisorError as error:
                error.add_context(hypervisor=name)
                raise
        return self._loaded[name].hypervisor

    def all_instances(self) -> dict[str, tuple[InstanceInfo, ...] | HypervisorError]:
        """Describe every running instance of every hypervisor.

        Returns:
            Per hypervisor its instances, or the error that kept it from answering.
        """
        answers: dict[str, tuple[InstanceInfo, ...] | HypervisorError] = {}
        for name in self.hypervisor_names:
            try:
                answers[name] = self.hypervisor(name).get_all_instances_info()
            except HypervisorError as error:
                answers[name] = error
        return answers

    def watch_events(self, after: Iterable[str] = (), *, kept: bool = False) -> EventWatch:
        """Watch what happens to the instances of all hypervisors; one that cannot be loaded is left out.

        Args:
            after: cursors of events, at most one per hypervisor, to begin after.
            kept: begin with the oldest events that are kept; otherwise, without a cursor, with the next ones.

        Raises:
            InvalidInput: a cursor is none.
            OperationFailed: the kernel does not let more be watched.
            StateFailed: an event log cannot be read or written.
        """
        from hvcore.event_watch import watch_all

        return watch_all(self, after, kept)

    def find_instance(self, instance_name: str) -> Hypervisor | None:
        """Return the hypervisor that has an instance's state on disk, or None when none has.

        Raises:
            InvalidInput: it is no instance's name, or several hypervisors have an instance of that name.
            StateFailed: the state directory may not be looked into.
        """
        wanted = check_instance_name(instance_name)
        found = [name for name in self.hypervisor_names if _has_directory(self.settings.state_dir / name / wanted)]
        if len(found) > 1:
            raise InvalidInput(
                f"there is an instance {wanted} of each of {', '.join(found)}",
                key="hypervisor",
                allowed=", ".join(found),
                instance=wanted,
                resolution="say which hypervisor is meant",
            )
        return self.hypervisor(found[0]) if found else None

    def plugins(self) -> PluginReport:
        """Load everything that is wanted and say what is there, what is not used, and what is broken and why."""
        from hvcore.model.plugins import PluginReport

        hypervisors: list[InstalledPlugin] = []
        faults: list[BrokenPlugin] = []
        joined: dict[_Place, tuple[str, ...]] = {}
        for name in sorted({c.name for c in self._of(HYPERVISORS_GROUP)}):
            wanted: list[Candidate] = []
            for claim in self._of(HYPERVISORS_GROUP):
                if claim.name == name:
                    refusal = self.settings.selection.refusal(claim)
                    if refusal:
                        hypervisors.append(_installed(claim, disabled=refusal))
                    else:
                        wanted.append(claim)
            if not wanted:
                continue
            try:
                hypervisor = self.hypervisor(name)
            except HypervisorError as error:
                faults += [discovery.broken(claim, error) for claim in wanted]
                continue
            hypervisors.append(_installed(wanted[0], hypervisor.summary, _driver_hooks(hypervisor.scope)))
            faults += self._loaded[name].broken
            joined.update(self._loaded[name].joined)
        # An extension of all hypervisors may have failed alike in each.
        distinct = {(_place(fault), fault.reason): fault for fault in faults}
        broken = {place for place, _ in distinct}
        extensions = [
            _installed(c, "", joined.get(_place(c), ()), self._why_unused(c, joined))
            for c in self._candidates
            if c.group != HYPERVISORS_GROUP and _place(c) not in broken
        ]
        return PluginReport(tuple(hypervisors), tuple(extensions), tuple(distinct.values()))

    def _why_unused(self, extension: Candidate, joined: Mapping[_Place, object]) -> str:
        refusal = self.settings.selection.refusal(extension)
        return refusal or ("" if _place(extension) in joined else "its hypervisor is not in use")

    def _of(self, *groups: str) -> list[Candidate]:
        return [candidate for candidate in self._candidates if candidate.group in groups]

    def _candidate(self, name: str) -> Candidate:
        claims = [c for c in self._of(HYPERVISORS_GROUP) if c.name == name and not self.settings.selection.refusal(c)]
        if len(claims) == 1:
            return claims[0]
        if claims:
            raise discovery.duplicate(claims)
        refused = [c for c in self._of(HYPERVISORS_GROUP) if c.name == name]
        if refused:
            resolution = f"it is installed but {self.settings.selection.refusal(refused[0])}"
        else:
            resolution = f"install the distribution that provides it, as in: pip install 'hvcore[{name}]'"
        raise UnknownHypervisor(
            f"there is no hypervisor {name!r}; installed: {', '.join(self.hypervisor_names) or 'none'}",
            hypervisor=name,
            resolution=resolution,
        )

    def _load(self, candidate: Candidate) -> _Loaded:
        plugin = discovery.load(candidate)
        if not isinstance(plugin, HypervisorPlugin):
            raise InvalidPlugin(
                f"{candidate.name!r} of {candidate.distribution} is of type {type(plugin).__name__}, not a HypervisorPlugin",
                resolution="name an hvcore.plugin.HypervisorPlugin in the entry point",
            )
        _check_promises(plugin, candidate)
        with _blaming(candidate):
            scope = Scope(plugin.name, (*CONTRACT_SPECS, *plugin.steps))
            context = self._prepare(
                DriverContext(
                    name=plugin.name,
                    scope=scope,
                    state_dir=self.settings.state_dir / plugin.name,
                    log_dir=self.settings.log_dir / plugin.name,
                    locks=InstanceLocks(self.settings.state_dir / _LOCKS / plugin.name, plugin.name),
                )
            )
            scope.join(Member(plugin.name, plugin.driver(context), Origin.DRIVER, candidate.distribution))
            for number, step in enumerate(plugin.defaults(context)):
                scope.join(Member(f"{plugin.name}-{number}", step, Origin.DEFAULT, candidate.distribution))
        joined, broken = self._join_extensions(scope)
        scope.seal(self.settings.order)
        return _Loaded(Hypervisor(plugin, scope, context), joined, broken)

    def _join_extensions(self, scope: Scope) -> tuple[dict[_Place, tuple[str, ...]], tuple[BrokenPlugin, ...]]:
        """Let every wanted extension of a hypervisor join; keep those that cannot, with the reason."""
        wanted = [
            candidate
            for candidate in self._of(extension_group(scope.hypervisor), ALL_GROUP)
            if not self.settings.selection.refusal(candidate)
        ]
        joined: dict[_Place, tuple[str, ...]] = {}
        faults: list[BrokenPlugin] = []
        for candidate in wanted:
            rivals = [other for other in wanted if other.name == candidate.name]
            try:
                if len(rivals) > 1:
                    raise discovery.duplicate(rivals)
                thing = discovery.load(candidate)
                with _blaming(candidate):
                    member = _extension_member(candidate, thing)
                    scope.join(member)
            except HypervisorError as error:
                faults.append(discovery.broken(candidate, error))
            else:
                joined[_place(candidate)] = tuple(sorted(member.hooks))
        return joined, tuple(faults)


def load(
    *,
    settings: Settings | None = None,
    state_dir: str | Path | None = None,
    log_dir: str | Path | None = None,
    plugins: Iterable[HypervisorPlugin] = (),
    extensions: Mapping[str, Iterable[object]] | None = None,
    discover: bool = True,
    prepare: Callable[[DriverContext], DriverContext] = lambda context: context,
) -> Host:
    """Return a host with everything that is installed; somebody else's broken plugin never makes it fail.

    Args:
        settings: where state and logs live and which plugins are wanted; None reads the environment.
        state_dir: replaces the settings' state directory.
        log_dir: replaces the settings' log directory.
        plugins: hypervisors to use beside the installed ones, without an entry point.
        extensions: hypervisor name (or ``"all"``) -> extensions to use beside the installed ones.
        discover: look for installed plugins.
        prepare: replaces parts of each driver's surroundings, in tests.

    Returns:
        The host; no plugin has been imported yet.
    """
    chosen = settings or Settings.from_environment()
    chosen = evolve(
        chosen,
        state_dir=Path(state_dir).absolute() if state_dir else chosen.state_dir,
        log_dir=Path(log_dir).absolute() if log_dir else chosen.log_dir,
    )
    given = [_given(HYPERVISORS_GROUP, plugin.name, plugin) for plugin in plugins]
    for hypervisor, objects in (extensions or {}).items():
        names: list[str] = []
        for thing in objects:
            names.append(_name_of(thing))
            again = names.count(names[-1])
            name = names[-1] if again == 1 else f"{names[-1]}-{again}"
            given.append(_given(extension_group(hypervisor), name, thing))
    found = discovery.find_all() if discover else ()
    return Host(chosen, (*found, *given), prepare)


def _given(group: str, name: str, thing: object) -> Candidate:
    return Candidate(group, name, "this process", "hvcore", lambda: thing)


def _name_of(thing: object) -> str:
    implementation = thing.implementation if isinstance(thing, Extension) else thing
    return str(getattr(implementation, "__name__", None) or type(implementation).__name__)


def _extension_member(candidate: Candidate, thing: object) -> Member:
    extension = thing if isinstance(thing, Extension) else Extension(thing)
    return Member(
        candidate.name,
        extension.implementation,
        Origin.EXTENSION,
        candidate.distribution,
        extension.before,
        extension.after,
    )


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
    if not _speaks(plugin.contract):
        raise InvalidPlugin(
            f"{plugin.name!r} of {whence} needs contract {plugin.contract}; this hvcore speaks {CONTRACT_VERSION}",
            resolution=f"install releases of {candidate.project} and hvcore that go together",
        )


def _speaks(contract: str) -> bool:
    wanted = re.fullmatch("([0-9]+)[.]([0-9]+)", contract, re.ASCII)
    major, minor = CONTRACT_VERSION.split(".")
    return wanted is not None and wanted[1] == major and int(wanted[2]) <= int(minor)


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


def _place(plugin: Candidate | BrokenPlugin) -> _Place:
    return plugin.group, plugin.name, plugin.distribution


def _installed(
    candidate: Candidate, summary: str = "", hooks: tuple[str, ...] = (), disabled: str = ""
) -> InstalledPlugin:
    from hvcore.model.plugins import InstalledPlugin

    return InstalledPlugin(candidate.group, candidate.name, candidate.distribution, summary, hooks, disabled)


def _driver_hooks(scope: Scope) -> tuple[str, ...]:
    return next(tuple(sorted(m.hooks)) for m in scope.members if m.origin is Origin.DRIVER)


def _has_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise StateFailed(
            f"cannot look into {path.parent}: {error.strerror}", resolution="run as root, or set HVCORE_STATE_DIR"
        ) from error
