"""The order of operations: start, stop, reboot, clean up and recover, each over the same steps.

A step is a pair of ``do`` and ``undo``. The journal in the instance's directory names those that were begun, so that whoever
comes next can take back what a killed manager left.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from hvcore import Instance, InvalidInput
from hvcore.errors import AlreadyRunning, Busy, HypervisorError, NotRunning, OperationFailed, StateFailed
from hvcore.plugin import DriverContext, NicMode, ParameterValue, PlanStep, Recovery, StartPlan
from hvcore.system import Journal, Phase, Step, Undoing, perform, undo_steps
from hvcore_nspawn.command import nspawn_command
from hvcore_nspawn.definition import Definition
from hvcore_nspawn.disks import Disks
from hvcore_nspawn.groups import Groups
from hvcore_nspawn.guest import Guest
from hvcore_nspawn.places import Places

__all__ = ["Lifecycle"]

_DEFAULT_SIGNAL = "SIGTERM"
_DEFAULT_SHUTDOWN_S = 90.0


@frozen
class Lifecycle:
    """What a driver does with one instance; whoever calls holds the instance's lock.

    Attributes:
        context: the driver's surroundings.
        places: where instances keep what.
        groups: their cgroups.
    """

    context: DriverContext
    places: Places
    groups: Groups

    def start(self, definition: Definition, memory_mib: int, paused: bool) -> None:
        """Start an instance; every step is undone when one fails."""
        name = definition.instance.name
        self.settle(name)
        if self.groups.is_populated(name):
            raise AlreadyRunning(f"{name} runs already", resolution=f"'hv info {name}' describes it")
        # Decided before anything is touched: a definition that cannot be met changes nothing.
        _check_nics(definition.instance)
        self._disks(name, definition).plan()
        directory = self.places.instance_dir(name)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        journal = Journal(directory)
        journal.enter(Phase.STARTING)
        steps = self._steps(name, definition, memory_mib, paused)
        try:
            perform(steps, journal, self.context.observer)
        except HypervisorError as error:
            if not error.left_behind:
                self._forget(name)
            raise
        journal.enter(Phase.RUNNING)

    def plan(self, definition: Definition, memory_mib: int, paused: bool) -> StartPlan:
        """Say what ``start`` would do, without touching anything."""
        instance = definition.instance
        _check_nics(instance)
        mounts = self._disks(instance.name, definition).plan()
        command = nspawn_command(instance, self.places, gated=paused)
        limits = (f"memory {memory_mib} MiB", f"CPU time {instance.vcpus} CPUs")
        steps = (
            PlanStep("state", "save the definition", (str(self.places.definition(instance.name)),)),
            PlanStep("disks", "mount the disks", mounts),
            PlanStep("cgroup", "make the cgroup", (self.places.group(instance.name), *limits)),
            PlanStep("guest", f"start the guest{', and freeze it' if paused else ''}", (" ".join(command),)),
        )
        return StartPlan(self.context.name, instance.name, steps, {})

    def stop(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        """Stop an instance and remove its traces; one that is not there is no error."""
        self.settle(name)
        if not force and self.groups.is_populated(name):
            self._shut_down(name, retry, timeout_s)
        self._undo_all(name)

    def clean_up(self, name: str) -> None:
        """Remove the traces of an instance that no longer runs; any number of times."""
        self.settle(name)
        if self.groups.is_populated(name):
            raise OperationFailed(
                f"{name} runs, so it is not cleaned up", resolution=f"'hv stop {name}' stops it first"
            )
        self._undo_all(name)

    def reboot(self, name: str) -> None:
        """Shut the guest down and start it again over the same disks."""
        self.require_running(name)
        definition = Definition.load(self.places.definition(name))
        if definition is None:
            raise StateFailed(f"the definition of {name} is lost", resolution="stop it by force and start it again")
        info = self.groups.describe(name, self.context.name)
        self._shut_down(name, False, None)
        journal = Journal(self.places.instance_dir(name))
        journal.enter(Phase.STARTING)
        memory_mib = definition.instance.memory_mib if info is None else info.memory_mib
        again = self._steps(name, definition, memory_mib, False)[-2:]
        try:
            perform(again, journal, self.context.observer)
        except HypervisorError as error:
            outcome = self._take_back(name)
            error.undone += outcome.undone
            error.left_behind += outcome.left_behind
            raise
        journal.enter(Phase.RUNNING)

    def recover(self, name: str) -> Recovery | None:
        """Put one instance in order; None when there was nothing to do, or somebody works on it."""
        try:
            with self.context.locks.hold(name, "recover"):
                wrong = self._what_is_wrong(name)
                if wrong is None:
                    return None
                outcome = self._take_back(name)
                return Recovery(name, wrong, outcome.undone, outcome.left_behind)
        except Busy:
            return None

    def settle(self, name: str) -> None:
        """Take back what a killed manager or a guest that has ended left, so that the next operation meets a clear state."""
        if self._what_is_wrong(name) is not None:
            self._undo_all(name)

    def require_running(self, name: str) -> None:
        """Raise NotRunning unless the instance runs."""
        self.settle(name)
        if self.groups.leader(name) is None:
            raise NotRunning(f"{name} does not run", resolution="'hv list' names those that run")

    def _what_is_wrong(self, name: str) -> str | None:
        state = Journal(self.places.instance_dir(name)).read()
        if state is None:
            return None
        if state.phase is Phase.STARTING:
            return "its start was cut short"
        if not self.groups.is_populated(name):
            return "its guest has ended"
        return None

    def _shut_down(self, name: str, retry: bool, timeout_s: float | None) -> None:
        definition = Definition.load(self.places.definition(name))
        parameters: Mapping[str, ParameterValue] = definition.instance.parameters if definition else {}
        guest = self._guest(name)
        if not retry:
            guest.ask(str(parameters.get("shutdown_signal") or _DEFAULT_SIGNAL))
        given_s = float(str(parameters.get("shutdown_timeout", _DEFAULT_SHUTDOWN_S)))
        # A forced stop may overtake this one, so the lock is given away while the guest makes up its mind.
        with self.context.locks.yielded(name, "stop_instance"):
            guest.wait(given_s if timeout_s is None else timeout_s)

    def _steps(self, name: str, definition: Definition | None, memory_mib: int = 0, paused: bool = False) -> list[Step]:
        guest, disks = self._guest(name), self._disks(name, definition)

        def known() -> Definition:
            if definition is None:
                raise StateFailed(f"the definition of {name} is lost")
            return definition

        def save() -> None:
            known().save(self.places.definition(name))

        def make_cgroup() -> None:
            self.groups.make(known().instance, memory_mib)

        def start_guest() -> None:
            guest.start(known().instance, paused)

        return [
            Step("state", save, lambda: self.places.definition(name).unlink(missing_ok=True), is_record=True),
            Step("disks", disks.mount, disks.unmount),
            Step("cgroup", make_cgroup, lambda: self.groups.remove(name)),
            Step("guest", start_guest, guest.end),
        ]

    def _undo_all(self, name: str) -> None:
        outcome = self._take_back(name)
        if outcome.failures:
            first = outcome.failures[0]
            first.undone += outcome.undone
            first.left_behind += outcome.left_behind
            raise first

    def _take_back(self, name: str) -> Undoing:
        """Undo every step that may have been begun; each undo does nothing where there is nothing."""
        journal = Journal(self.places.instance_dir(name))
        outcome = undo_steps(reversed(self._steps(name, None)), journal, self.context.observer)
        if not outcome.failures:
            self._forget(name)
        return outcome

    def _forget(self, name: str) -> None:
        directory = self.places.instance_dir(name)
        if directory.is_dir():
            for file in (Journal(directory).path, *directory.glob(".*.new")):
                file.unlink(missing_ok=True)
            directory.rmdir()

    def _guest(self, name: str) -> Guest:
        return Guest(name, self.places, self.groups, self.context.runner)

    def _disks(self, name: str, definition: Definition | None) -> Disks:
        return Disks(name, definition.block_devices if definition else (), self.places)


def _check_nics(instance: Instance) -> None:
    for index, nic in enumerate(instance.nics):
        if nic.mode is not NicMode.NONE:
            raise InvalidInput(
                f"NICs of mode {nic.mode} are not supported", key=f"nics[{index}].mode", value=nic.mode, allowed="none"
            )
