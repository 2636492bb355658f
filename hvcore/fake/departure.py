"""How far a machine is on its way to another node, as a value; nothing here reads a clock or a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from hvcore.fake.clock import Clock
    from hvcore.model.migration import MigrationStatus

__all__ = ["Departure"]

_HALF = 0.5


@frozen
class Departure:
    """A migration, as its source remembers it.

    Attributes:
        migration: names the migration on both nodes.
        target: the state directory of the other node.
        was_paused: whether the guest's time stood still before.
        began_s: the node's time at which it began.
        takes_s: seconds that it takes.
        total_bytes: the memory to move.
        breaks_off: whether it fails halfway.
    """

    migration: str
    target: str
    was_paused: bool
    began_s: float
    takes_s: float
    total_bytes: int
    breaks_off: bool

    def status(self, clock: Clock) -> MigrationStatus:
        """Return how far it is at a moment."""
        from hvcore.model.migration import MigrationState, MigrationStatus

        elapsed_s = max(0.0, clock.seconds - self.began_s)
        part = min(1.0, elapsed_s / self.takes_s) if self.takes_s else 1.0
        if self.breaks_off:
            part = min(part, _HALF)
            state = MigrationState.FAILED if part == _HALF else MigrationState.ACTIVE
        else:
            state = MigrationState.COMPLETED if elapsed_s >= self.takes_s else MigrationState.ACTIVE
        return MigrationStatus(state, int(self.total_bytes * part), self.total_bytes)
