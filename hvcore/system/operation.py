"""Operations of several steps that are done completely or not at all.

A step is a pair: ``do`` and an ``undo`` that may run at any time, any number of times, also after half a ``do``. That is all
a killed manager's successor needs: the names in the journal, and the pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import field, frozen

from hvcore.errors import HypervisorError, OperationFailed, StateFailed
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
    """

    name: str
    do: Callable[[], None]
    undo: Callable[[], None]


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
        HypervisorError: a step's own error, with ``step``, ``undone`` and ``left_behind`` filled in; an OSError becomes a
            StateFailed.
    """
    begun: list[Step] = []
    for step in steps:
        try:
            begun.append(step)
            journal.begin(step.name)
            observer(step.name, "begin")
            step.do()
            observer(step.name, "done")
        except BaseException as error:
            outcome = undo_steps(reversed(begun), journal, observer)
            if not isinstance(error, (HypervisorError, OSError)):
                error.add_note(
                    f"undone: {', '.join(outcome.undone)}; left behind: {'; '.join(outcome.left_behind) or 'nothing'}"
                )
                raise
            failure = _as_failure(error).add_context(step=step.name)
            failure.undone += outcome.undone
            failure.left_behind += outcome.left_behind
            if failure is error:
                raise
            raise failure from error


def undo_steps(steps: Iterable[Step], journal: Journal, observer: Observer = _nobody) -> Undoing:
    """Take steps back in the given order; one that fails does not keep the others.

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
        try:
            observer(step.name, "undo")
            step.undo()
            if journal.path.exists():
                journal.undone(step.name)
            observer(step.name, "undone")
        except Exception as error:
            failure = _as_failure(error).add_context(step=step.name)
            failures.append(failure)
            left.append("; ".join((f"{step.name}: {failure.message}", *failure.details)))
        else:
            undone.append(step.name)
    return Undoing(tuple(undone), tuple(left), tuple(failures))


def _as_failure(error: Exception) -> HypervisorError:
    if isinstance(error, HypervisorError):
        return error
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return StateFailed(
            f"{error.strerror or error}{where}", resolution="check free space, permissions and limits of the node"
        )
    return OperationFailed(f"{type(error).__name__}: {error}")
