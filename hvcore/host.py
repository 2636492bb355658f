"""The host: a node's installed hypervisors, as one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from attrs import evolve

from hvcore import discovery
from hvcore.context import DriverContext
from hvcore.discovery import HYPERVISORS_GROUP, Candidate, extension_group
from hvcore.errors import HypervisorError, InvalidInput, StateFailed, UnknownHypervisor
from hvcore.hypervisor import Hypervisor
from hvcore.loading import Loaded, load_hypervisor
from hvcore.model.names import check_instance_name
from hvcore.plugin import Extension, HypervisorPlugin
from hvcore.settings import Settings

if TYPE_CHECKING:
    from hvcore.event_watch import EventWatch
    from hvcore.model.info import InstanceInfo
    from hvcore.model.plugins import PluginReport
    from hvcore.scope import Scope

__all__ = ["Host", "load"]


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
        self._loaded: dict[str, Loaded] = {}

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
        return self._load(name).hypervisor

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

        def find(name: str) -> tuple[Scope, Path]:
            hypervisor = self.hypervisor(name)
            return hypervisor.scope, hypervisor.context.events_dir

        return watch_all(self.hypervisor_names, find, after, kept)

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
        from hvcore.report import report_plugins

        return report_plugins(self.settings, self._candidates, self._load)

    def _load(self, name: str) -> Loaded:
        if name not in self._loaded:
            refusal = self.settings.selection.refusal
            wanted = [c for c in self._candidates if c.group != HYPERVISORS_GROUP and not refusal(c)]
            try:
                self._loaded[name] = load_hypervisor(self._candidate(name), wanted, self.settings, self._prepare)
            except HypervisorError as error:
                error.add_context(hypervisor=name)
                raise
        return self._loaded[name]

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
        extensions: hypervisor name (or ``"all"``) -> extensions to use beside the installed ones. These are the caller's
            own, so one that does not fit is an error when its hypervisor is first asked for.
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
    return Candidate(group, name, "this process", "hvcore", lambda: thing, is_given=True)


def _name_of(thing: object) -> str:
    implementation = thing.implementation if isinstance(thing, Extension) else thing
    return str(getattr(implementation, "__name__", None) or type(implementation).__name__)


def _has_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise StateFailed(
            f"cannot look into {path.parent}: {error.strerror}", resolution="run as root, or set HVCORE_STATE_DIR"
        ) from error
