"""The order of operations: start, stop, reboot, clean up and recover, each over the same steps."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve, frozen

from hvcore.errors import AlreadyRunning, NotRunning, OperationFailed
from hvcore.journaled import JournaledLifecycle
from hvcore.model.instance import BlockDevice, Instance
from hvcore.model.parameters import ParameterValue
from hvcore.system.bookkeeping import demand, note
from hvcore.system.definitions import Definition, load_definition
from hvcore.system.journal import Journal, JournalState, Phase
from hvcore.system.operation import Step
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
class Lifecycle(JournaledLifecycle):
    """What a driver does with one instance; whoever calls holds the instance's lock.

    Attributes:
        paths: where instances keep what.
        groups: the instances' cgroups.
    """

    STEPS = STEPS

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
        self.perform_start(name, steps.all())

    def stop(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        """Stop an instance and remove its traces; one that is not there is no error."""
        state = self.settle(name)
        is_alive = self.guest(name).is_alive
        if is_alive and not force and not self._shut_down(name, state, retry, timeout_s):
            # It did stop, and somebody has started it again since: that start is not ours to end.
            return
        if state is None and not is_alive and not self.paths.instance_dir(name).exists():
            return
        demand(self.take_back(name), "stop")

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
        demand(self.take_back(name), "cleanup")

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
        self.perform_again(name, state, self._steps(name, evolve(known, startup_paused=False)).all())

    def instance_dir(self, name: str) -> Path:
        """Return the directory of an instance's own."""
        return self.paths.instance_dir(name)

    def definition_file(self, name: str) -> Path:
        """Return the file that holds the definition as started."""
        return self.paths.definition(name)

    def is_alive(self, name: str) -> bool:
        """Tell whether an instance has processes."""
        return self.guest(name).is_alive

    def undoable_steps(self, name: str, definition: Definition | None) -> Sequence[Step]:
        """Return the steps of a start for their undoing."""
        return self._steps(name, definition).all()

    def end_strays(self, name: str) -> None:
        """End what a script that was cut short has left."""
        end_strays(self.paths, name)

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
        journal = self.journal(name)
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
                return self.journal(name).read() is None
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
