"""What every hypervisor with a journal does around its steps: open it, write phases in it, tell what could not be undone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hvcore.errors import StateFailed
from hvcore.system.journal import Journal, Phase
from hvcore.system.operation import Undoing

__all__ = ["close_journal", "demand", "known_names", "note", "open_journal", "rewrite"]


def open_journal(directory: Path) -> Journal:
    """Make an instance's directory and begin the journal of a start in it.

    Raises:
        StateFailed: the disk does not take it; nothing is left then.
    """
    try:
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise StateFailed(
            f"{directory} cannot be made: {error.strerror}",
            resolution="check free space and permissions, or set HVCORE_STATE_DIR to a directory you may write",
        ) from error
    journal = Journal(directory)
    try:
        journal.enter(Phase.STARTING)
    except StateFailed:
        close_journal(journal)
        raise
    return journal


def close_journal(journal: Journal) -> None:
    """Remove the journal and its directory where the first step, which removes both, was never begun."""
    journal.path.unlink(missing_ok=True)
    if journal.path.parent.is_dir():
        journal.path.parent.rmdir()


def rewrite(journal: Journal, steps: Sequence[str]) -> None:
    """Begin a journal anew where it was lost: every step may have been taken."""
    with suppress(StateFailed):
        for step in steps:
            journal.begin(step)


def note(journal: Journal, phase: Phase) -> None:
    """Tell the journal of a phase; on a full disk, stopping must still be possible."""
    with suppress(StateFailed):
        journal.enter(phase)


def demand(outcome: Undoing, operation: str) -> None:
    """Raise the first failure of an undoing, with all that is left."""
    if not outcome.failures:
        return
    error = outcome.failures[0]
    error.undone += outcome.undone
    error.left_behind += outcome.left_behind
    error.resolution = error.resolution or f"mend the cause, then repeat the {operation}"
    raise error


def known_names(directory: Path, locks: Path) -> tuple[str, ...]:
    """Return the names of all instances that have a directory, or the lock of a manager that was killed, sorted.

    Args:
        directory: the directory that holds one directory per instance.
        locks: the directory of the instances' locks.
    """
    names: set[str] = set()
    for place, is_wanted in ((directory, Path.is_dir), (locks, Path.is_file)):
        if place.is_dir():
            names |= {entry.name for entry in place.iterdir() if is_wanted(entry) and entry.name[0] != "."}
    return tuple(sorted(names))
