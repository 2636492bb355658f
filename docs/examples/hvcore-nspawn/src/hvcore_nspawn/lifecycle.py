"""The order of operations: start, stop, reboot and clean up, each over the same steps.

``JournaledLifecycle`` brings what is alike in every hypervisor: a journal that names the steps that were begun, so that
whoever comes next takes back what a killed manager left.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from hvcore import Instance, InvalidInput
from hvcore.errors import AlreadyRunning, NotRunning, OperationFailed, StateFailed, StopTimeout
from hvcore.plugin import JournaledLifecycle, NicMode, ParameterValue, PlanStep, StartPlan
from hvcore.system import Definition, JournalState, Phase, Step, demand, load_definition, note
from hvcore_nspawn.command import nspawn_command
from hvcore_nspawn.disks import Disks
from hvcore_nspawn.groups import Groups
from hvcore_nspawn.guest import Guest
from hvcore_nspawn.places import Places
from hvcore_nspawn.steps import STEPS, StartSteps

__all__ = ["Lifecycle"]

_DEFAULT_SIGNAL = "SIGTERM"
_DEFAULT_SHUTDOWN_S = 90.0


@frozen
class Lifecycle(JournaledLifecycle):
    """What a driver does with one instance; whoever calls holds the instance's lock.

    Attributes:
        places: where instances keep what.
        groups: their cgroups.
    """

    STEPS = STEPS

    places: Places
    groups: Groups

    def start(self, definition: Definition, memory_mib: int) -> None:
        """Start an instance; every step is undone when one fails."""
        name = definition.instance.name
        self.settle(name)
        if self.is_alive(name):
            raise AlreadyRunning(f"{name} runs already", resolution=f"'hv info {name}' describes it")
        # Decided before anything is touched: a definition that cannot be met changes nothing.
        _check_nics(definition.instance)
        steps = self._steps(name, definition, memory_mib)
        steps.disks.plan()
        self.perform_start(name, steps.all())

    def plan(self, definition: Definition) -> StartPlan:
        """Say what ``start`` would do, without touching anything."""
        instance = definition.instance
        name, group = instance.name, self.places.group(instance.name)
        _check_nics(instance)
        mounts = self._steps(name, definition).disks.plan()
        command = nspawn_command(instance, self.places, gated=definition.startup_paused)
        frozen_too = ", and freeze it before its init" if definition.startup_paused else ""
        limits = (f"memory {instance.memory_mib} MiB", f"CPU time {instance.vcpus} CPUs")
        steps = (
            PlanStep("state", "save the definition", (str(self.places.definition(name)),)),
            PlanStep("disks", "mount the disks", mounts),
            PlanStep("cgroup", "make the cgroup", (group, *limits)),
            PlanStep("guest", f"start the guest{frozen_too}", (shlex.join(command),)),
        )
        return StartPlan(self.context.name, name, steps, {})

    def stop(self, name: str, force: bool, retry: bool, timeout_s: float | None) -> None:
        """Stop an instance and remove its traces; one that is not there is no error."""
        state = self.settle(name)
        is_alive = self.is_alive(name)
        if is_alive and not force:
            self._shut_down(name, state, retry, timeout_s)
            if self.is_alive(name):
                # It did stop, and somebody has started it again since: that start is not ours to end.
                return
        if is_alive or self.places.instance_dir(name).exists():
            demand(self.take_back(name), "stop")

    def clean_up(self, name: str) -> None:
        """Remove the traces of an instance that no longer runs; any number of times."""
        self.settle(name)
        if self.is_alive(name):
            raise OperationFailed(
                f"{name} runs, so it is not cleaned up", resolution=f"'hv stop {name}' stops it first"
            )
        demand(self.take_back(name), "cleanup")

    def reboot(self, name: str) -> None:
        """Shut the guest down and start it again over the same disks and in the same cgroup."""
        state = self.require_running(name)
        definition = load_definition(self.places.definition(name))
        if definition is None:
            raise StateFailed(f"the definition of {name} is lost", resolution="stop it by force and start it again")
        self._shut_down(name, state, False, None)
        if self.is_alive(name) or not self.places.definition(name).is_file():
            raise OperationFailed(f"{name} was stopped while it shut down for its reboot", resolution="start it again")
        self.perform_again(name, state, self._steps(name, evolve(definition, startup_paused=False)).all())

    def require_running(self, name: str) -> JournalState | None:
        """Return the journal of an instance that runs, or raise NotRunning."""
        state = self.settle(name)
        if self.groups.leader(name) is None:
            raise NotRunning(f"{name} does not run", resolution="'hv list' names those that run")
        return state

    # -- what JournaledLifecycle asks for --------------------------------------------------------------------------

    def instance_dir(self, name: str) -> Path:
        """Return the directory of an instance's own."""
        return self.places.instance_dir(name)

    def definition_file(self, name: str) -> Path:
        """Return the file that holds the definition as started."""
        return self.places.definition(name)

    def is_alive(self, name: str) -> bool:
        """Tell whether an instance has processes, systemd-nspawn's own included."""
        return self.groups.is_populated(name)

    def undoable_steps(self, name: str, definition: Definition | None) -> Sequence[Step]:
        """Return the steps of a start for their undoing."""
        return self._steps(name, definition).all()

    # -- helpers ---------------------------------------------------------------------------------------------------

    def _steps(self, name: str, definition: Definition | None, memory_mib: int = 0) -> StartSteps:
        disks = Disks(name, definition.block_devices if definition else (), self.places)
        guest = Guest(name, self.places, self.groups, self.context.runner)
        return StartSteps(name, definition, memory_mib, self.places, self.groups, disks, guest)

    def _shut_down(self, name: str, state: JournalState | None, retry: bool, timeout_s: float | None) -> None:
        definition = load_definition(self.places.definition(name))
        parameters: Mapping[str, ParameterValue] = definition.instance.parameters if definition else {}
        guest = Guest(name, self.places, self.groups, self.context.runner)
        if not retry:
            guest.ask(str(parameters.get("shutdown_signal") or _DEFAULT_SIGNAL))
        given_s = float(str(parameters.get("shutdown_timeout", _DEFAULT_SHUTDOWN_S)))
        journal = self.journal(name)
        if state is not None:
            note(journal, Phase.STOPPING)
        try:
            # A forced stop may overtake this one, so the lock is given away while the guest makes up its mind.
            with self.context.locks.yielded(name, "stop_instance"):
                guest.wait(given_s if timeout_s is None else timeout_s)
        except StopTimeout:
            if state is not None and journal.path.exists():
                note(journal, Phase.RUNNING)
            raise


def _check_nics(instance: Instance) -> None:
    for index, nic in enumerate(instance.nics):
        if nic.mode is not NicMode.NONE:
            raise InvalidInput(
                f"NICs of mode {nic.mode} are not supported", key=f"nics[{index}].mode", value=nic.mode, allowed="none"
            )
