"""One fake machine: its files, its bell and its console log together, and the steps that build it up and take it down."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from attrs import evolve

from hvcore.context import DriverContext
from hvcore.errors import NotRunning, OperationFailed, StateFailed
from hvcore.fake.behaviour import Behaviour
from hvcore.fake.bell import Bell
from hvcore.fake.clock import Clock, read_clock
from hvcore.fake.console import ConsoleLog
from hvcore.fake.faults import failing, meet
from hvcore.fake.files import InstanceFiles
from hvcore.fake.folder import make_folder, remove_folder
from hvcore.fake.params import STARTING
from hvcore.fake.processes import end_commands
from hvcore.fake.state import RunState
from hvcore.model.instance import Instance
from hvcore.system.journal import Journal, Phase
from hvcore.system.operation import Step, perform

__all__ = ["Machine"]


class _NoJournal(Journal):
    """For a change that is one atomic write: it is there or it is not, and a successor has nothing to undo."""

    def begin(self, step: str) -> None:
        """Write nothing."""

    def undone(self, step: str) -> None:
        """Write nothing."""


class Machine:
    """The machine of one instance, whether it is on or off.

    It keeps nothing in memory: what it says is what the files say, to every process alike.

    Args:
        context: the driver's surroundings.
        name: the instance's name.
    """

    def __init__(self, context: DriverContext, name: str) -> None:
        self.context = context
        self.name = name
        self.files = InstanceFiles(context.instance_dir(name))
        self.journal = Journal(self.files.directory)
        self.bell = Bell(self.files.bell)
        self.slot = self.files.slot
        self.console = ConsoleLog(context.log_dir / f"{name}.console.log")

    def running(self, clock: Clock) -> RunState | None:
        """Return the state of a machine that runs or is paused at a moment, else None."""
        return self.files.running(clock)

    def require_running(self, clock: Clock) -> RunState:
        """Return the state of a machine that runs or is paused.

        Raises:
            NotRunning: it does neither.
        """
        state = self.running(clock)
        if state is None:
            raise NotRunning(f"{self.name} does not run", resolution="start it first; 'hv list' names those that run")
        return state

    def require_staying(self, clock: Clock) -> RunState:
        """Return the state of a machine that runs or is paused and is not on its way to another node.

        Raises:
            NotRunning: it does not run.
            OperationFailed: it is being migrated.
        """
        state = self.require_running(clock)
        if state.departure is not None:
            raise OperationFailed(
                f"{self.name} is being migrated to {state.departure.target}",
                resolution="wait until the migration has ended, or end it without success on both nodes",
            )
        return state

    def behaviour(self) -> Behaviour:
        """Return the parameters that are in force; of a machine that is off, those of what it has left."""
        state = self.files.read_state()
        if state is not None:
            return state.behaviour
        try:
            definition = self.files.read_definition()
        except StateFailed:
            return Behaviour()
        return Behaviour() if definition is None else Behaviour.of(definition.parameters)

    def meet(self, step: str) -> None:
        """Come to a step of a verb: wait or fail where the parameters ask for it.

        Raises:
            OperationFailed: they ask for a failure.
        """
        meet(step, self.behaviour())

    def change(self, step: str, before: RunState, do: Callable[[], None]) -> None:
        """Do what changes the state of a running machine; when it fails, the machine is as it was.

        Args:
            step: what the errors call it.
            before: the state that a failure leads back to.
            do: makes the change.
        """
        self.act(step, before.behaviour, do, lambda: self.set_state(before))

    def act(self, step: str, behaviour: Behaviour, do: Callable[[], None], undo: Callable[[], None]) -> None:
        """Take a step that is one atomic change, so that the journal need not tell of it.

        Args:
            step: what the errors call it.
            behaviour: the parameters, which may ask for its failure.
            do: takes the step.
            undo: called after a failure.
        """
        steps = [Step(step, failing(step, behaviour, do), undo)]
        perform(steps, _NoJournal(self.files.directory), self.context.observer)

    def set_state(self, state: RunState) -> None:
        """Save a state and wake whoever waits for one."""
        self.files.write_state(state)
        self.bell.ring()

    def restore(self, instance: Instance, state: RunState) -> None:
        """Make everything again that a running machine has beside its state, and take over an instance's parameters."""

        def do() -> None:
            self.restore_journal()
            self.files.write_definition(instance)
            make_folder(self.files.root)
            self.bell.hang_up()
            self.set_state(evolve(state, behaviour=Behaviour.of(instance.parameters)))

        self.change("restore", state, do)

    def restore_journal(self) -> None:
        """Write the journal of a running machine again, unless it is there; a stop takes back what it names."""
        if self.journal.read() is None:
            for step in STARTING:
                self.journal.begin(step)
            self.journal.enter(Phase.RUNNING)

    def is_complete(self) -> bool:
        """Tell whether a running machine has everything beside its state."""
        files = self.files
        if not (self.journal.path.exists() and files.root.is_dir() and files.bell.exists()):
            return False
        try:
            return files.read_definition() is not None
        except StateFailed:
            return False  # a definition that cannot be read is one to restore

    def start_steps(self, instance: Instance, behaviour: Behaviour, memory_mib: int, paused: bool) -> list[Step]:
        """Return the steps of a start, in order.

        Args:
            instance: the definition.
            behaviour: its parameters.
            memory_mib: the memory to start with.
            paused: whether the guest's time stands still from its first moment on.
        """

        def boot() -> None:
            self.bell.hang_up()
            time.sleep(behaviour.start_delay_s)
            clock = read_clock()
            state = RunState(
                run=os.urandom(8).hex(),
                boot_id=clock.boot_id,
                memory_mib=memory_mib,
                vcpus=instance.vcpus,
                behaviour=behaviour,
                is_paused=paused,
                elapsed_s=0.0,
                since_s=clock.seconds,
            )
            # In this order every file that says "on" has a journal beside it that agrees.
            self.journal.enter(Phase.RUNNING)
            self.files.write_state(state)
            self.console.say("booted, and paused before the first instruction" if paused else "booted")

        actions = {
            **self._preparations(instance, f"start with {memory_mib} MiB and {instance.vcpus} vcpus"),
            "boot": boot,
        }
        return self._steps(actions, behaviour)

    def accept_steps(
        self, instance: Instance, behaviour: Behaviour, memory_mib: int, migration: str, source: str
    ) -> list[Step]:
        """Return the steps of making ready for an instance that another node sends, in order.

        Args:
            instance: the definition that it runs with there.
            behaviour: the parameters.
            memory_mib: the memory that it has there.
            migration: names the migration.
            source: the state directory of that node.
        """
        actions = {
            **self._preparations(instance, f"wait for {memory_mib} MiB and {instance.vcpus} vcpus from {source}"),
            "accept": lambda: self.slot.open(migration, source),
        }
        return self._steps(actions, behaviour)

    def build(self, steps: list[Step]) -> None:
        """Make the directory and take the steps; when one fails, nothing is left.

        Raises:
            OperationFailed: a step failed; every step was undone.
        """
        self.files.make_directory()
        try:
            self.journal.enter(Phase.STARTING)
            perform(steps, self.journal, self.context.observer)
        except BaseException:
            self.files.remove_bare_directory()
            raise

    def settle_arrival(self) -> None:
        """Put what has arrived from another node in its place; idempotent, also after half of it.

        At every moment of it the machine runs here.
        """
        # In this order every file that says "on" in its final place has a journal beside it that agrees.
        self.restore_journal()
        self.journal.begin("boot")
        self.journal.enter(Phase.RUNNING)
        self.bell.hang_up()
        if self.slot.has_arrived():
            self.files.settle_arrival(read_clock())
            self.console.say("arrived")
        self.slot.remove()
        self.journal.undone("accept")

    def stop_steps(self) -> list[Step]:
        """Return the steps of a start in the order in which a stop takes them back; only their ``undo`` is of use."""
        return [Step(name, _nothing, undo) for name, undo in reversed(self._undo_actions().items())]

    def switch_off(self) -> None:
        """Take the state away, so that nothing runs any more, and wake whoever waits for that."""
        self.files.remove(self.files.state)
        self.bell.remove()

    def end_commands(self) -> None:
        """End the commands that run in the machine."""
        end_commands(self.files.directory)

    def _preparations(self, instance: Instance, line: str) -> dict[str, Callable[[], None]]:
        return {
            "directory": self.files.make_directory,
            "definition": lambda: self.files.write_definition(instance),
            "console": lambda: self.console.open(line),
            "root": lambda: make_folder(self.files.root),
        }

    def _steps(self, actions: dict[str, Callable[[], None]], behaviour: Behaviour) -> list[Step]:
        undo = self._undo_actions()
        return [Step(name, failing(name, behaviour, do), undo[name]) for name, do in actions.items()]

    def _undo_actions(self) -> dict[str, Callable[[], None]]:
        return {
            "directory": self.files.remove_directory,
            "definition": lambda: self.files.remove(self.files.definition),
            "console": _nothing,  # the log outlives the instance
            "root": lambda: remove_folder(self.files.root),
            "boot": self.switch_off,
            "accept": self.slot.remove,
        }


def _nothing() -> None:
    """Do nothing."""
