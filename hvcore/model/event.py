"""What happens to instances."""

from __future__ import annotations

import enum
from typing import Any, Protocol

from attrs import frozen

__all__ = ["EventKind", "EventReason", "GuestEnd", "GuestWatcher", "InstanceEvent"]


class EventKind(enum.StrEnum):
    """What has happened.

    ``lost`` is about no instance: the reader was so slow that events were thrown away. Whoever reads it asks anew what runs,
    and reads on.
    """

    STARTING = "starting"
    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPING = "stopping"
    STOPPED = "stopped"
    LOST = "lost"

    @property
    def is_up(self) -> bool:
        """Whether an instance that this has happened to last is there: it runs, or is about to start or stop."""
        return self not in {EventKind.STOPPED, EventKind.LOST}

    @property
    def is_transition(self) -> bool:
        """Whether somebody is at work, who will tell what became of it."""
        return self in {EventKind.STARTING, EventKind.STOPPING}


class EventReason(enum.StrEnum):
    """Why it has happened.

    The first seven are why an instance stopped: the guest shut down; its init ended with an exit status other than 0, or by a
    signal; the kernel ended it for want of memory; it was ended by force on somebody's order; the node went down; nobody
    knows. The others tell of a start that failed and was undone, of a stop that failed so that the guest runs on, of a
    reboot, and of a move between nodes.
    """

    CLEAN = "clean"
    EXIT_STATUS = "exit-status"
    SIGNAL = "signal"
    OUT_OF_MEMORY = "out-of-memory"
    KILLED = "killed"
    NODE_REBOOT = "node-reboot"
    UNKNOWN = "unknown"
    START_FAILED = "start-failed"
    STOP_FAILED = "stop-failed"
    REBOOT = "reboot"
    MIGRATED = "migrated"


@frozen
class GuestEnd:
    """How a guest ended that nobody had asked to.

    Attributes:
        reason: why.
        status: the exit status, or the number of the signal; None where there is none.
    """

    reason: EventReason
    status: int | None = None


class GuestWatcher(Protocol):
    """A watch over one guest; ``hvcore.system.guest_watch.GuestWatch`` is one."""

    @property
    def run(self) -> str:
        """What names the guest's run; "" when waking up does not mean that this run has ended."""
        ...

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when the guest may have ended."""
        ...

    def close(self) -> None:
        """End the watch; may be called again."""
        ...


@frozen
class InstanceEvent:
    """Something that has happened to an instance.

    Attributes:
        cursor: the event's place among all of its hypervisor; a watch can begin after it.
        time_s: when it was told, in seconds since 1970.
        hypervisor: the hypervisor.
        instance: the instance's name; "" of ``lost``.
        kind: what has happened.
        reason: why; None where there is nothing to say.
        status: the exit status or signal that the reason is about, else None.
        pid: the process that told it.
    """

    cursor: str
    time_s: float
    hypervisor: str
    instance: str
    kind: EventKind
    reason: EventReason | None = None
    status: int | None = None
    pid: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON."""
        return {
            "cursor": self.cursor,
            "time_s": self.time_s,
            "hypervisor": self.hypervisor,
            "instance": self.instance,
            "kind": str(self.kind),
            "reason": None if self.reason is None else str(self.reason),
            "status": self.status,
            "pid": self.pid,
        }
