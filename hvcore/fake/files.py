"""The files of one fake instance."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hvcore.errors import HypervisorError, StateFailed
from hvcore.fake.documents import DRAFT, explained, read_text, replace, table
from hvcore.fake.slot import ArrivalSlot
from hvcore.fake.state import RunState

if TYPE_CHECKING:
    from hvcore.fake.clock import Clock
    from hvcore.model.instance import Instance

__all__ = ["InstanceFiles"]

_JOURNAL = "journal"


class InstanceFiles:
    """The directory of one instance, and what lies in it beside the journal.

    Every file is replaced as a whole, so that a reader in another process never sees half of one. Everything is removed
    idempotently.

    Args:
        directory: the instance's directory, whether it exists or not.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.definition = directory / "definition.json"
        self.state = directory / "state.json"
        self.bell = directory / "bell"
        self.root = directory / "root"
        self.slot = ArrivalSlot(directory)

    def make_directory(self) -> None:
        """Make the directory, unless it is there."""
        with explained("make", self.directory):
            self.directory.mkdir(mode=0o750, parents=True, exist_ok=True)

    def remove_directory(self) -> None:
        """Remove the journal and the directory, once nothing else is left in it."""
        with explained("remove", self.directory):
            if not self.directory.is_dir():
                return
            others = sorted(set(os.listdir(self.directory)) - {_JOURNAL})
            if others:
                raise StateFailed(
                    f"{self.directory} cannot be removed, for it still holds {', '.join(others)}",
                    resolution="move away what is not hvcore's and clean the instance up",
                )
            (self.directory / _JOURNAL).unlink(missing_ok=True)
            self.directory.rmdir()

    def remove_bare_directory(self) -> None:
        """Remove the directory if it holds nothing but the journal of a start that took no step."""
        with suppress(StateFailed):  # what it still holds, and why, is told by the failure that led here
            self.remove_directory()

    def write_definition(self, instance: Instance) -> None:
        """Save the definition."""
        replace(self.definition, instance.to_dict())

    def read_definition(self) -> Instance | None:
        """Return the saved definition, or None when there is none.

        Raises:
            StateFailed: it cannot be read, or is no definition.
        """
        from hvcore.model.instance import Instance

        text = read_text(self.definition)
        if text is None:
            return None
        try:
            return Instance.from_dict(table(text))
        except (TypeError, ValueError, HypervisorError) as error:
            raise StateFailed(
                f"{self.definition} is no instance's definition: {error}",
                resolution="restore the instance, or stop it by force and start it again",
            ) from error

    def write_state(self, state: RunState) -> None:
        """Save the state of the machine."""
        replace(self.state, state.to_dict())

    def settle_arrival(self, clock: Clock) -> None:
        """Put the state that has arrived in its place, with its migration over."""
        state = self.read_state()
        if state is not None:
            # First in the slot: no file ever says that the machine here is on its way to here.
            replace(self.slot.arrival, state.settled(clock).to_dict())
        with explained("write", self.state):
            self.slot.arrival.replace(self.state)

    def read_state(self) -> RunState | None:
        """Return the saved state, or None when the machine is off; what is no state says nothing, so it is off then, too.

        What has arrived from another node is here, if nobody has put it in its place yet; it is looked for first, so that
        it is not missed while it is being put there.

        Raises:
            StateFailed: it cannot be read.
        """
        text = read_text(self.slot.arrival)
        if text is None:
            text = read_text(self.state)
        if text is None:
            return None
        try:
            return RunState.from_dict(table(text))
        except (KeyError, TypeError, ValueError):
            return None

    def running(self, clock: Clock) -> RunState | None:
        """Return the state of a machine that runs or is paused at a moment, else None."""
        state = self.read_state()
        return state if state is not None and state.is_alive(clock) else None

    def remove(self, path: Path) -> None:
        """Remove one of the files, and what a killed writer left of it."""
        with explained("remove", path):
            path.with_name(path.name + DRAFT).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
