"""The order of operations: start, stop, reboot, clean up and recover, each over the same steps."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from attrs import evolve, frozen

from hvcore.context import DriverContext
from hvcore.errors import AlreadyRunning, Busy, HypervisorError, NotRunning, OperationFailed, StateFailed
from hvcore.model.instance import BlockDevice, Instance
from hvcore.model.parameters import ParameterValue
from hvcore.model.recovery import Recovery
from hvcore.system.bookkeeping import close_journal, demand, note, open_journal, rewrite
from hvcore.system.definitions import Definition, load_definition
from hvcore.system.journal import Journal, JournalState, Phase
from hvcore.system.operation import Undoing, perform, undo_steps
from hvcore.system.root_mounts import DefaultMounter, Mounter
from hvcore_chroot.groups import Groups
from hvcore_chroot.guest import Guest
from hvcore_chroot.inside import SystemMounts
from hvcore_chroot.params import PARAMETERS, seconds, system_mounts
from hvcore_chroot.paths import ChrootPaths
from hvcore_chroot.script import Script
from hvcore_chroot.shutdown import Shutdown
from hvcore_chroot.spec import ChrootSteps
from hvcore_chroot.steps import STEPS, StartSteps
from hvcore_chroot.strays import end_strays

__all__ = ["Lifecycle"]

_DEFAULTS: Mapping[str, ParameterValue] = {parameter.name: parameter.default for parameter in PARAMETERS}


@frozen
class Lifecycle:
    """What a driver does with one instance; whoever calls holds the instance's lock.

    Attributes:
        context: the driver's surroundings.
        paths: where instances keep what.
        groups: the instances' cgroups.
    """

    context: DriverContext
    paths: ChrootPaths
    groups: Groups

    def start(self, instance: Instance, block_devices: tuple[BlockDevice, ...], paused: bool) -> None:
        """Start an instance; every step is undone when one fails."""
        name = instance.name
        if paused:
            self.groups.require_freezer()
        self.settle(name)
        if self.guest(name).is_alive:
            raise AlreadyRunning(f"{name} runs already", resolution=f"'hv info {name}' describes it")
        # Decided before anything is touched: what cannot be mounted changes nothing.
        steps = self._steps(name, Definition(instance, block_devices, paused))
        steps.mounter.plan()
        journal = open_journal(self.paths.instance_dir(name))
        try:
            perform(steps.all(), journal, self.context.observer)
        except HypervisorError as error:
            if not error.left_behind:
                close_journal(journal)
            raise
        journal.enter(Phase.RUNNING)

    def stop(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        """Stop an instance and remove its traces; one that is not there is no error."""
        state = self.settle(name)
        is_alive = self.guest(name).is_alive
        if is_alive and not force and not self._shut_down(name, state, retry, timeout_s):
            # It did stop, and somebody has started it again since: that start is not ours to end.
            return
        if state is None and not is_alive and not self.paths.instance_dir(name).exists():
            return
        demand(self._take_back(name), "stop")

    def clean_up(self, name: str) -> None:
        """Remove the traces of an instance that no longer runs; any number of times."""
        self.settle(name)
        pids = self.guest(name).pids()
        if pids:
            raise OperationFailed(
                f"{name} runs, so it is not cleaned up: {len(pids)} process(es) use its root",
                details=[f"process {pid}" for pid in pids],
                resolution=f"'hv stop {name}' stops it first",
            )
        demand(self._take_back(name), "cleanup")

    def reboot(self, name: str) -> None:
        """Run the script's ``stop``, end what is left, and run its ``start`` again over the same mounts."""
        state = self.settle(name)
        self.require_running(name)
        known = load_definition(self.paths.definition(name))
        is_ours = self._shut_down(name, state, False, None)
        if known is None or not is_ours or not self.paths.definition(name).is_file():
            raise OperationFailed(
                f"{name} was stopped while it shut down for its reboot"
                if known
                else f"the definition of {name} is lost",
                resolution="start it again",
            )
        journal = Journal(self.paths.instance_dir(name))
        steps = self._steps(name, evolve(known, startup_paused=False)).all()
        if state is None:
            rewrite(journal, STEPS)
        journal.enter(Phase.STARTING)
        demand(undo_steps([steps[-1]], journal, self.context.observer), "reboot")
        try:
            perform([steps[-1]], journal, self.context.observer)
        except HypervisorError as error:
            # The first step has the record, which is needed as long as something is left of the guest.
            others = steps[1 if error.left_behind else 0 : -1]
            outcome = undo_steps(reversed(others), journal, self.context.observer)
            error.undone += outcome.undone
            error.left_behind += outcome.left_behind
            error.resolution = f"the guest is down; start it again. {error.resolution or ''}".strip()
            raise
        journal.enter(Phase.RUNNING)

    def recover(self, name: str) -> Recovery | None:
        """Put one instance in order; None when there was nothing to do, or somebody works on it."""
        try:
            with self.context.locks.hold(name, "recover"):
                found = self._what_is_wrong(name, self._journal_state(name))
                if found is None:
                    return None
                outcome = self._take_back(name)
                return Recovery(name, found, outcome.undone, outcome.left_behind)
        except Busy:
            return None
        except HypervisorError as error:
            # One instance that cannot be put in order must not keep the others from it.
            return Recovery(name, "it cannot be put in order", left_behind=("; ".join((str(error), *error.details)),))

    def settle(self, name: str) -> JournalState | None:
        """Take back what a killed manager left of an instance, so that the next operation meets a clear state.

        Returns:
            The journal of the instance when it runs, otherwise None.

        Raises:
            OperationFailed: something cannot be taken back.
        """
        state = self._journal_state(name)
        if self._what_is_wrong(name, state) is not None:
            demand(self._take_back(name), "recover")
            return None
        return state

    def guest(self, name: str) -> Guest:
        """Return what an instance has of processes."""
        return Guest(name, self.paths, self.groups)

    def require_running(self, name: str) -> None:
        """Raise NotRunning unless the instance has processes."""
        if not self.guest(name).is_alive:
            raise NotRunning(f"{name} does not run", resolution="'hv list' names those that run")

    def mounter(self, definition: Definition) -> Mounter:
        """Return who mounts an instance's disks."""
        return self.context.scope.choose(
            ChrootSteps.chroot_mounter,
            instance=definition.instance,
            block_devices=definition.block_devices,
            root=str(self.paths.root(definition.instance.name)),
        )

    def _steps(self, name: str, definition: Definition | None) -> StartSteps:
        root = str(self.paths.root(name))
        parameters = definition.instance.parameters if definition else _DEFAULTS
        return StartSteps(
            definition=definition,
            name=name,
            paths=self.paths,
            # Without a definition there is nobody to choose; everything mounted below the root can still come off.
            mounter=self.mounter(definition) if definition else DefaultMounter(Instance(name, "chroot"), (), root),
            inside=SystemMounts(system_mounts(parameters.get("system_mounts")), root),
            groups=self.groups,
            script=self._script(name, parameters),
        )

    def _script(self, name: str, parameters: Mapping[str, ParameterValue]) -> Script:
        path = str(parameters.get("init_script") or _DEFAULTS["init_script"])
        return Script(name, path, self.paths, self.groups, self.context.runner)

    def _shut_down(self, name: str, state: JournalState | None, retry: bool, timeout_s: float | None) -> bool:
        """Ask the guest to shut down and wait; the lock is given away meanwhile, so that a forced stop can overtake.

        Returns:
            True, or False when somebody has stopped it and started it again meanwhile.

        Raises:
            StopTimeout: it still runs.
            CommandFailed: the script failed, and something still runs.
        """
        journal = Journal(self.paths.instance_dir(name))
        known = load_definition(self.paths.definition(name))
        parameters = known.instance.parameters if known else _DEFAULTS
        wait_s = seconds(parameters.get("shutdown_timeout")) if timeout_s is None else timeout_s
        term_timeout_s = seconds(parameters.get("term_timeout"))
        shutdown = Shutdown(self.guest(name), self._script(name, parameters), term_timeout_s)
        if state is not None:
            note(journal, Phase.STOPPING)
        with self._watched(journal) as is_the_same:
            with self.context.locks.yielded(name, "stop_instance"):
                failure = shutdown.run(wait_s, retry)
            if not is_the_same():
                # Another stop was faster; whether somebody has started it since decides.
                return self._journal_state(name) is None
        if failure is not None:
            if state is not None:
                note(journal, Phase.RUNNING)
            raise failure
        return True

    @contextmanager
    def _watched(self, journal: Journal) -> Generator[_Same]:
        """Hold the journal open, so that its number on the disk is not given to the journal of another start."""
        try:
            descriptor = os.open(journal.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            yield _Same(journal, None)
            return
        try:
            yield _Same(journal, os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def _take_back(self, name: str) -> Undoing:
        """Undo every step that may have been begun; without a journal that is all of them."""
        directory = self.paths.instance_dir(name)
        journal = Journal(directory)
        state = journal.read()
        try:
            definition = load_definition(self.paths.definition(name))
        except StateFailed:
            definition = None
        if directory.is_dir():
            if state is None:
                rewrite(journal, STEPS)
            # A start that was cut short stays one until nothing of it is left: its guest never counts as running.
            if state is None or state.phase is not Phase.STARTING:
                note(journal, Phase.STOPPING)
        if state is not None and state.phase is Phase.STARTING:
            end_strays(self.paths, name)
        # The first step owns the directory, which was made for the journal before any step was begun.
        begun = STEPS if state is None else (STEPS[0], *state.steps)
        steps = [step for step in self._steps(name, definition).all() if step.name in begun]
        return undo_steps(reversed(steps), journal, self.context.observer)

    def _journal_state(self, name: str) -> JournalState | None:
        return Journal(self.paths.instance_dir(name)).read()

    def _what_is_wrong(self, name: str, state: JournalState | None) -> str | None:
        """Return what was left half done, or None when all is in order."""
        alive = self.guest(name).is_alive
        if state is None:
            half_made = self.paths.instance_dir(name).is_dir() and not alive
            return "a start that was cut short at once" if half_made else None
        if state.phase is Phase.STARTING:
            return f"a start that process {state.pid} did not finish"
        if alive:
            return None
        if state.phase is Phase.STOPPING:
            return f"a stop that process {state.pid} did not finish"
        return "an instance whose guest has ended"


@frozen
class _Same:
    """Tells whether a journal is still the one that it was."""

    journal: Journal
    was: os.stat_result | None

    def __call__(self) -> bool:
        try:
            now = os.stat(self.journal.path)
        except FileNotFoundError:
            return self.was is None
        return self.was is not None and os.path.samestat(now, self.was)
