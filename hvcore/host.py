"""The host: a node's installed hypervisors, as one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import evolve, frozen

from hvcore import discovery
from hvcore.context import DriverContext
from hvcore.discovery import ALL_GROUP, HYPERVISORS_GROUP, Candidate, extension_group
from hvcore.errors import HypervisorError, InvalidPlugin, UnknownHypervisor
from hvcore.hypervisor import Hypervisor
from hvcore.member import Member, Origin
from hvcore.model.info import InstanceInfo
from hvcore.model.plugins import BrokenPlugin, InstalledPlugin, PluginReport
from hvcore.plugin import Extension, HypervisorPlugin
from hvcore.scope import Scope
from hvcore.settings import Settings
from hvcore.spec.contract import CONTRACT_SPECS
from hvcore.system.locks import InstanceLocks

__all__ = ["Host", "load"]

_LOCKS = ".locks"


@frozen(eq=False)
class _Loaded:
    """A hypervisor that was loaded, and what was found wrong with its extensions on the way."""

    hypervisor: Hypervisor
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
            self._loaded[name] = self._load(self._candidate(name))
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

    def find_instance(self, instance_name: str) -> Hypervisor | None:
        """Return the hypervisor that has an instance's state on disk, or None when none has."""
        for name in self.hypervisor_names:
            if (self.settings.state_dir / name / instance_name).is_dir():
                return self.hypervisor(name)
        return None

    def plugins(self) -> PluginReport:
        """Load everything that is wanted and say what is there, what is not used, and what is broken and why."""
        hypervisors: list[InstalledPlugin] = []
        extensions: list[InstalledPlugin] = []
        faults: list[BrokenPlugin] = []
        answering: dict[tuple[str, str], tuple[str, ...]] = {}
        for name in sorted({c.name for c in self._of(HYPERVISORS_GROUP)}):
            claims = [c for c in self._of(HYPERVISORS_GROUP) if c.name == name]
            disabled = {c.distribution: self.settings.selection.refusal(c) for c in claims}
            summary, hooks = "", ()
            if not all(disabled.values()):
                try:
                    loaded = self.hypervisor(name)
                except HypervisorError as error:
                    faults += [discovery.broken(c, error) for c in claims if not disabled[c.distribution]]
                    claims = [c for c in claims if disabled[c.distribution]]
                else:
                    summary, hooks = loaded.summary, _driver_hooks(loaded.scope)
                    faults += self._loaded[name].broken
                    for member in loaded.scope.members:
                        answering[member.name, member.distribution] = tuple(sorted(member.hooks))
            hypervisors += [
                InstalledPlugin(c.group, c.name, c.distribution, summary, hooks, disabled[c.distribution])
                for c in claims
            ]
        bad = {(fault.group, fault.name, fault.distribution) for fault in faults}
        for candidate in self._candidates:
            if candidate.group == HYPERVISORS_GROUP or (candidate.group, candidate.name, candidate.distribution) in bad:
                continue
            refusal = self.settings.selection.refusal(candidate)
            hooks = answering.get((candidate.name, candidate.distribution), ())
            extensions.append(
                InstalledPlugin(candidate.group, candidate.name, candidate.distribution, "", hooks, refusal)
            )
        return PluginReport(tuple(hypervisors), tuple(extensions), tuple(dict.fromkeys(faults)))

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
                f"{candidate.name!r} of {candidate.distribution} is {plugin!r}, not a HypervisorPlugin",
                resolution="name an hvcore.plugin.HypervisorPlugin in the entry point",
            )
        if plugin.name != candidate.name:
            raise InvalidPlugin(
                f"{candidate.distribution} calls its hypervisor {plugin.name!r} in the plugin and {candidate.name!r} in the "
                "entry point",
                resolution="give both the same name",
            )
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
        whence = candidate.distribution
        driver, steps = _make(plugin, context, whence)
        scope.join(Member(plugin.name, driver, Origin.DRIVER, whence))
        for number, step in enumerate(steps):
            scope.join(Member(f"{plugin.name}-{number}", step, Origin.DEFAULT, whence))
        faults = self._join_extensions(scope)
        scope.seal(self.settings.order)
        return _Loaded(Hypervisor(plugin, scope, context), faults)

    def _join_extensions(self, scope: Scope) -> tuple[BrokenPlugin, ...]:
        """Let every wanted extension of a hypervisor join; keep those that cannot, with the reason."""
        wanted = [
            candidate
            for candidate in self._of(extension_group(scope.hypervisor), ALL_GROUP)
            if not self.settings.selection.refusal(candidate)
        ]
        faults: list[BrokenPlugin] = []
        for candidate in wanted:
            rivals = [other for other in wanted if other.name == candidate.name]
            try:
                if len(rivals) > 1:
                    raise discovery.duplicate(rivals)
                scope.join(_extension_member(candidate))
            except HypervisorError as error:
                faults.append(discovery.broken(candidate, error))
        return tuple(faults)


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
        given += [_given(extension_group(hypervisor), _name_of(thing), thing) for thing in objects]
    found = discovery.find_all() if discover else ()
    return Host(chosen, (*found, *given), prepare)


def _given(group: str, name: str, thing: object) -> Candidate:
    return Candidate(group, name, "this process", "hvcore", lambda: thing)


def _name_of(thing: object) -> str:
    implementation = thing.implementation if isinstance(thing, Extension) else thing
    return str(getattr(implementation, "__name__", None) or type(implementation).__name__)


def _extension_member(candidate: Candidate) -> Member:
    thing = discovery.load(candidate)
    extension = thing if isinstance(thing, Extension) else Extension(thing)
    return Member(
        candidate.name,
        extension.implementation,
        Origin.EXTENSION,
        candidate.distribution,
        extension.before,
        extension.after,
    )


def _make(plugin: HypervisorPlugin, context: DriverContext, whence: str) -> tuple[object, tuple[object, ...]]:
    """Return a plugin's driver and default steps; whatever goes wrong in making them is the plugin's fault."""
    try:
        return plugin.driver(context), tuple(plugin.defaults(context))
    except Exception as error:
        raise InvalidPlugin(
            f"hypervisor {plugin.name!r} of {whence} cannot be made: {type(error).__name__}: {error}",
            resolution="report it to the plugin's author; --debug shows the traceback",
        ) from error


def _driver_hooks(scope: Scope) -> tuple[str, ...]:
    return next(tuple(sorted(m.hooks)) for m in scope.members if m.origin is Origin.DRIVER)
