"""What every verb works with: the options, the host behind them, and the hypervisors that are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from hvcore.errors import HypervisorError, InstanceNotFound

if TYPE_CHECKING:
    from hvcore.cli.progress import Progress
    from hvcore.cli.verbs import Arguments
    from hvcore.host import Host
    from hvcore.hypervisor import Hypervisor
    from hvcore.system.operation import Observer

__all__ = ["Session", "open_host"]

_Answer = TypeVar("_Answer")


class Session:
    """One run of ``hv``.

    Args:
        arguments: the parsed command line.
    """

    def __init__(self, arguments: Arguments) -> None:
        self.wanted: str | None = arguments.hypervisor
        self.as_json: bool = arguments.json
        self._arguments = arguments
        self._progress: Progress | None = None

    @cached_property
    def host(self) -> Host:
        """The host, opened when it is first needed."""
        return open_host(
            state_dir=self._arguments.state_dir,
            log_dir=self._arguments.log_dir,
            no_plugins=self._arguments.no_plugins,
            trace=self._arguments.trace,
            observer=self._observe,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The hypervisors that are meant: the one that the user named, or all."""
        return (self.wanted,) if self.wanted else self.host.hypervisor_names

    def owner(self, instance_name: str) -> Hypervisor:
        """Return the hypervisor of an instance: the one that the user named, or the one with its state on disk.

        Raises:
            InvalidInput: it cannot be an instance's name.
            InstanceNotFound: nothing is known of that name.
        """
        from hvcore.model.names import check_instance_name

        check_instance_name(instance_name)
        found = self.host.hypervisor(self.wanted) if self.wanted else self.host.find_instance(instance_name)
        if found is None:
            raise InstanceNotFound(
                f"there is no instance {instance_name!r}",
                instance=instance_name,
                resolution="'hv list' names those that run; -H NAME asks one hypervisor",
            )
        return found

    def ask_each(self, question: Callable[[Hypervisor], _Answer]) -> Iterator[tuple[str, _Answer | HypervisorError]]:
        """Ask every hypervisor that is meant; one that fails does not keep the others from answering.

        Raises:
            HypervisorError: the one that the user named failed.
        """
        for name in self.names:
            try:
                yield name, question(self.host.hypervisor(name))
            except HypervisorError as error:
                if self.wanted:
                    raise
                yield name, error

    def working(self, text: str) -> Progress:
        """Return a context manager that shows what is being done, if that takes long and a person looks on."""
        from hvcore.cli.progress import Progress

        self._progress = Progress(text)
        return self._progress

    def _observe(self, step: str, moment: str) -> None:
        if self._progress:
            self._progress.note(step, moment)


def open_host(
    *,
    state_dir: str | None = None,
    log_dir: str | None = None,
    no_plugins: bool = False,
    trace: bool = False,
    observer: Observer | None = None,
) -> Host:
    """Return the host that the options describe.

    Args:
        state_dir: replaces HVCORE_STATE_DIR.
        log_dir: replaces HVCORE_LOG_DIR.
        no_plugins: use only what ships with hvcore itself, whatever the configuration file says or is.
        trace: tell every hook call on stderr.
        observer: told of every step of an operation.
    """
    from attrs import evolve

    from hvcore.context import DriverContext
    from hvcore.host import load
    from hvcore.settings import Settings

    try:
        settings = Settings.from_environment()
    except HypervisorError as error:
        if not no_plugins:
            raise
        from hvcore.cli.output import warn

        warn(f"{error}; going on without the file")
        settings = Settings.from_environment(read_file=False)
    if no_plugins:
        selection = evolve(settings.selection, allowed=frozenset(), allowed_by="what --no-plugins leaves")
        settings = evolve(settings, selection=selection)
    if trace:
        settings = evolve(settings, trace=True)

    def prepare(context: DriverContext) -> DriverContext:
        return evolve(context, observer=observer) if observer else context

    return load(settings=settings, state_dir=state_dir, log_dir=log_dir, prepare=prepare)
