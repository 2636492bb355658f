"""What a killed manager, a guest that shut down by itself or a rebooted node leaves, and how it is put in order."""

from __future__ import annotations

from contextlib import suppress

from hvcore.context import DriverContext
from hvcore.errors import Busy, HypervisorError, OperationFailed
from hvcore.fake.clock import read_clock
from hvcore.fake.inventory import recorded_names
from hvcore.fake.machine import Machine
from hvcore.model.recovery import Recovery
from hvcore.system.journal import JournalState, Phase
from hvcore.system.operation import Undoing, undo_steps

__all__ = ["diagnose", "raise_failure", "recover_all", "recover_one", "require_settled", "take_down"]

_UNFINISHED = {
    Phase.STARTING: "a start that was not finished",
    Phase.STOPPING: "a stop that was not finished",
}
_MIGRATION = "a migration that was not finished"
_DEAD = "what a guest left that no longer runs"


def diagnose(journal: JournalState | None, is_alive: bool) -> str | None:
    """Say what has been left half done; None when all is in order.

    Args:
        journal: what the journal of an existing directory says, or None when it has none.
        is_alive: whether the machine runs or is paused.
    """
    if journal is not None and journal.phase in _UNFINISHED:
        if "accept" in journal.steps:
            return _MIGRATION
        return _UNFINISHED[journal.phase]
    return None if is_alive else _DEAD


def found_half_done(machine: Machine) -> str | None:
    """Look at an instance and say what has been left half done; None when all is in order or there is nothing.

    A migration counts even while it might go on, for nobody can tell whether its manager still lives.
    """
    if not machine.files.directory.is_dir():
        return None
    state = machine.running(read_clock())
    if machine.slot.is_there() or (state is not None and state.departure is not None):
        return _MIGRATION
    return diagnose(machine.journal.read(), state is not None)


def take_down(machine: Machine) -> Undoing:
    """Remove everything of an instance but its log; the caller holds its lock."""
    journal = machine.journal.read()
    # The journal lies in the directory and goes last: what is there without one is an empty directory, or not ours.
    begun = {"directory", *(journal.steps if journal else ())}
    steps = [step for step in machine.stop_steps() if step.name in begun]
    return undo_steps(steps, machine.journal, machine.context.observer)


def settle(machine: Machine) -> Recovery | None:
    """Put one instance in order; the caller holds its lock, so whoever left it half done is dead or has given up.

    Returns:
        What was found and done, or None when there was nothing to do.
    """
    found = found_half_done(machine)
    if found is None:
        return None
    machine.console.say(f"found {found}")
    if found == _MIGRATION and (done := _end_migration(machine)):
        return Recovery(machine.name, found, (done,))
    outcome = take_down(machine)
    return Recovery(machine.name, found, outcome.undone, outcome.left_behind)


def _end_migration(machine: Machine) -> str | None:
    """End a migration on this node, so that the instance goes on here if it is here; return the step that this ends.

    Returns:
        None when it is not here: what has been made ready for it is to be taken down.
    """
    was_waiting = machine.slot.is_there()
    if was_waiting and (not machine.slot.close() or machine.running(read_clock())):
        machine.settle_arrival()
    state = machine.running(read_clock())
    if state is None:
        return None
    if state.departure is not None:
        machine.set_state(state.settled(read_clock()))
        machine.console.say("stays here")
    return "finalize-target" if was_waiting else "migrate"


def require_settled(machine: Machine) -> None:
    """Put one instance in order, as every verb does first; one that leaves for another node is in order.

    Raises:
        OperationFailed: another node is sending it here.
        HypervisorError: something could not be put in order.
    """
    if not machine.files.directory.is_dir():
        return
    if machine.slot.is_there():
        _require_arrival(machine)
        machine.settle_arrival()
    found = diagnose(machine.journal.read(), machine.running(read_clock()) is not None)
    if found is None:
        return
    machine.console.say(f"found {found}")
    raise_failure(take_down(machine))


def _require_arrival(machine: Machine) -> None:
    if machine.files.read_state() is None:
        raise OperationFailed(
            f"{machine.name} is being received from another node",
            resolution="wait until the migration has ended, or end it without success on both nodes",
        )


def raise_failure(outcome: Undoing) -> None:
    """Raise the first failure of an undoing, with what was undone and what is left.

    Raises:
        HypervisorError: there was one.
    """
    if outcome.failures:
        failure: HypervisorError = outcome.failures[0]
        failure.undone += outcome.undone
        failure.left_behind += outcome.left_behind
        raise failure


def recover_one(machine: Machine) -> Recovery | None:
    """Put one instance in order.

    Raises:
        Busy: somebody works on it.
    """
    # A look without the lock first: nobody shall find a healthy instance busy because of a recovery.
    if found_half_done(machine) is None:
        return None
    with machine.context.locks.hold(machine.name, "recover"):
        return settle(machine)


def recover_all(context: DriverContext) -> tuple[Recovery, ...]:
    """Put every instance in order but those that are being worked on: whoever does so has put them in order first."""
    found: list[Recovery] = []
    for name in recorded_names(context):
        with suppress(Busy):
            recovery = recover_one(Machine(context, name))
            if recovery is not None:
                found.append(recovery)
    return tuple(found)
