"""The order in which a hypervisor with steps and a journal works: start, start again, take back, settle, recover."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from attrs import frozen

from hvcore.context import DriverContext
from hvcore.errors import Busy, HypervisorError, StateFailed
from hvcore.model.recovery import Recovery
from hvcore.system.bookkeeping import close_journal, demand, note, open_journal, rewrite
from hvcore.system.definitions import Definition, load_definition
from hvcore.system.journal import Journal, JournalState, Phase
from hvcore.system.operation import Step, Undoing, perform, undo_steps

__all__ = ["JournaledLifecycle"]


@frozen
class JournaledLifecycle(ABC):
    """What a driver does with one instance, so that whatever is cut short is taken back by the next operation.

    Inherit it, name the steps of a start and say whether an instance lives; whoever calls holds the instance's lock. The
    first step makes the record of the instance, the last one brings it to life.

    Attributes:
        context: the driver's surroundings.
    """

    STEPS: ClassVar[tuple[str, ...]]
    """The names of a start's steps, in order."""

    context: DriverContext

    @abstractmethod
    def instance_dir(self, name: str) -> Path:
        """Return the directory of an instance's own, in which its journal is."""

    @abstractmethod
    def definition_file(self, name: str) -> Path:
        """Return the file that holds the definition as started."""

    @abstractmethod
    def is_alive(self, name: str) -> bool:
        """Tell whether an instance has processes."""

    @abstractmethod
    def undoable_steps(self, name: str, definition: Definition | None) -> Sequence[Step]:
        """Return the steps of a start for their undoing; None stands for a definition that is lost."""

    def may_come_back(self, name: str) -> bool:
        """Tell whether an instance without processes is about to get new ones by itself."""
        return False

    def end_strays(self, name: str) -> None:  # noqa: B027 - most hypervisors leave nothing outside
        """End what a start that was cut short has left running outside the instance."""

    def perform_start(self, name: str, steps: Sequence[Step]) -> None:
        """Take the steps of a start, the journal with them; when one fails, those before it are undone.

        Raises:
            HypervisorError: the step's own, with what was undone and what is left.
        """
        journal = open_journal(self.instance_dir(name))
        try:
            perform(steps, journal, self.context.observer)
        except HypervisorError as error:
            if not error.left_behind:
                close_journal(journal)
            raise
        journal.enter(Phase.RUNNING)

    def perform_again(self, name: str, state: JournalState | None, steps: Sequence[Step]) -> None:
        """Undo the last step of a start and take it once more; when that fails, the others are undone as well.

        Args:
            name: the instance's name.
            state: what its journal said; None when it was lost.
            steps: all steps of its start.

        Raises:
            HypervisorError: the step's own, with what was undone and what is left.
        """
        journal = self.journal(name)
        if state is None:
            rewrite(journal, self.STEPS)
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
                found = self._what_is_wrong(name, self.journal(name).read())
                if found is None:
                    return None
                outcome = self.take_back(name)
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
        state = self.journal(name).read()
        if self._what_is_wrong(name, state) is not None:
            demand(self.take_back(name), "recover")
            return None
        return state

    def take_back(self, name: str) -> Undoing:
        """Undo every step that may have been begun; without a journal that is all of them."""
        directory = self.instance_dir(name)
        journal = Journal(directory)
        state = journal.read()
        try:
            definition = load_definition(self.definition_file(name))
        except StateFailed:
            definition = None
        if directory.is_dir():
            if state is None:
                rewrite(journal, self.STEPS)
            # A start that was cut short stays one until nothing of it is left: its guest never counts as running.
            if state is None or state.phase is not Phase.STARTING:
                note(journal, Phase.STOPPING)
        if state is not None and state.phase is Phase.STARTING:
            self.end_strays(name)
        # The first step owns the directory, which was made for the journal before any step was begun.
        begun = self.STEPS if state is None else (self.STEPS[0], *state.steps)
        steps = [step for step in self.undoable_steps(name, definition) if step.name in begun]
        return undo_steps(reversed(steps), journal, self.context.observer)

    def journal(self, name: str) -> Journal:
        """Return an instance's journal, whether there is one or not."""
        return Journal(self.instance_dir(name))

    def _what_is_wrong(self, name: str, state: JournalState | None) -> str | None:
        """Return what was left half done, or None when all is in order."""
        alive = self.is_alive(name)
        if state is None:
            half_made = self.instance_dir(name).is_dir() and not alive
            return "a start that was cut short at once" if half_made else None
        if state.phase is Phase.STARTING:
            return f"a start that process {state.pid} did not finish"
        if alive or self.may_come_back(name):
            return None
        if state.phase is Phase.STOPPING:
            return f"a stop that process {state.pid} did not finish"
        return "an instance whose guest has ended"
