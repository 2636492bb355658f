"""The states of an instance."""

from __future__ import annotations

import enum

__all__ = ["InstanceState"]


class InstanceState(enum.StrEnum):
    """What the kernel says of an instance.

    Ganeti knows RUNNING (0) and SHUTDOWN (1); a paused instance is alive, so Ganeti would call it running.
    """

    RUNNING = "running"
    PAUSED = "paused"
    SHUTDOWN = "shutdown"

    @property
    def is_alive(self) -> bool:
        """Whether the instance's processes exist, running or paused."""
        return self is not InstanceState.SHUTDOWN
