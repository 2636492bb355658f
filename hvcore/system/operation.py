"""Operations of several steps that are done completely or not at all.

A step is a pair: ``do`` and an ``undo`` that may run at any time, any number of times, also after half a ``do``. That is
all a killed manager's successor needs: the names in the journal, and the pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from attrs import field, frozen

from hvcore.errors import HookFailed, HypervisorError, StateFailed, one_line
from hvcore.system.journal import Journal

__all__ = ["Observer", "Step", "Undoing", "perform", "undo_steps"]

Observer = Callable[[str, str], None]
"""Called as ``observer(step, moment)`` with the moments ``begin``, ``done``, ``undo`` and ``undone``."""


def _nobody(step: str, moment: str) -> None:
    """Observe nothing."""


@frozen
class Step:
    """One step of an operation.

    Attributes:
        name: what the journal and the errors call it.
        do: takes the step.
        undo: takes it back; idempotent, and complete even after half a ``do``.
        is_record: whether it keeps what the undoing of the others needs; it is undone only when all others are.
    """

    name: str
    do: Callable[[], None]
    undo: Callable[[], None]
    is_record: bool = False


@frozen
class Undoing:
    """What became of the steps that were to be undone.

    Attributes:
        undone: their names, in the order they were undone.
        left_behind: ``step: reason`` for each that could not be.
        failures: the errors behind ``left_behind``.
    """

    undone: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = ()
    failures: tuple[HypervisorError, ...] = field(default=(), repr=False)


def perform(steps: Sequence[Step], journal: Journal, observer: Observer = _nobody) -> None:
    """Take the steps in order; when one fails, take it and all before it back, in the opposite order.

    Args:
        steps: the steps; the journal gets each one's name before it is taken.
        journal: the instance's journal; its directory exists.
        observer: sees every step begin and end.

    Raises:
        HypervisorError: a step's own error, with ``step``, ``undone`` and ``left_behind`` filled in. An OSError becomes
            a StateFailed, what is not expected at all a HookFailed. An interruption is raised as it is, with a note.
    """
    begun: list[Step] = []
    for step in steps:
        try:
            journal.begin(step.name)
            # A step that is not in the journal was not begun, so there is nothing to take back.
            begun.append(step)
            observer(step.name, "begin")
            step.do()
            observer(step.name, "done")
        except BaseException as error:
            outcome = undo_steps(reversed(begun), journal, observer)
            if not isinstance(error, Exception):
                undone, left = ", ".join(outcome.undone), "; ".join(outcome.left_behind)
                error.add_note(f"undone: {undone or 'nothing'}; left behind: {left or 'nothing'}")
                raise
            failure = _as_failure(error).add_context(step=step.name)
            failure.undone += outcome.undone
            failure.left_behind += outcome.left_behind
            if failure is error:
                raise
            raise failure from error


def undo_steps(steps: Iterable[Step], journal: Journal, observer: Observer = _nobody) -> Undoing:
    """Take steps back in the given order; one that fails does not keep the others, but for the one with the record.

    Args:
        steps: the steps, the last one begun first.
        journal: the instance's journal; it is brought up to date as long as it can be written.
        observer: sees every step undone.

    Returns:
        What was undone and what is left.
    """
    undone: list[str] = []
    failures: list[HypervisorError] = []
    left: list[str] = []
    for step in steps:
        if step.is_record and failures:
            continue
        try:
            observer(step.name, "undo")
            step.undo()
            _note_undone(step.name, journal)
            observer(step.name, "undone")
        except Exception as error:  # noqa: BLE001 - the other steps must be undone whatever it is; it is told as left behind
            failure = _as_failure(error).add_context(step=step.name)
            failures.append(failure)
            left.append("; ".join((f"{step.name}: {failure.message}", *failure.details)))
        else:
            undone.append(step.name)
    return Undoing(tuple(undone), tuple(left), tuple(failures))


def _note_undone(step: str, journal: Journal) -> None:
    # The journal goes with the directory that one of the steps made.
    if journal.path.exists():
        # On a full disk the step is undone all the same; the next command would undo it again, which does no harm.
        with suppress(StateFailed):
            journal.undone(step)


def _as_failure(error: Exception) -> HypervisorError:
    if isinstance(error, HypervisorError):
        return error
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return StateFailed(
            f"{error.strerror or one_line(error)}{where}",
            resolution="check free space, permissions and limits of the node",
        )
    return HookFailed(
        f"it raised {one_line(error)}", resolution="report it to the plugin's author; --debug shows the traceback"
    )
