"""What was begun on an instance, written down before it is done.

One line of JSON per event, appended to ``journal`` in the instance's directory. A manager may be killed between any two
instructions; whoever takes the instance's lock next reads here what there is to undo. A torn line is what a kill or a
full disk leaves, and is ignored: the step it would have named was not begun.
"""

from __future__ import annotations

import enum
import errno
import os
from pathlib import Path
from typing import Any, cast

from attrs import field, frozen

from hvcore.errors import StateFailed

__all__ = ["Journal", "JournalState", "Phase"]

_FILE = "journal"


class Phase(enum.StrEnum):
    """Where an instance is in its life, as far as its managers came."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


@frozen
class JournalState:
    """What the journal says.

    Attributes:
        phase: how far the last manager came.
        steps: the steps begun and not undone, in the order they were begun.
        pid: the process that wrote the last phase; 0 when none was written.
    """

    phase: Phase
    steps: tuple[str, ...] = field(default=())
    pid: int = 0


class Journal:
    """The journal of one instance.

    Args:
        directory: the instance's directory; it must exist before the first line is written.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / _FILE

    def enter(self, phase: Phase) -> None:
        """Write that the instance enters a phase."""
        self._append({"phase": phase.value, "pid": os.getpid()})

    def begin(self, step: str) -> None:
        """Write that a step is about to be done."""
        self._append({"begin": step})

    def undone(self, step: str) -> None:
        """Write that a step has been undone."""
        self._append({"undone": step})

    def read(self) -> JournalState | None:
        """Return what the journal says, or None when there is none.

        Raises:
            StateFailed: it cannot be read, or a newer hvcore wrote it.
        """
        try:
            text = self.path.read_text("utf-8", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed("read", self.path, error.strerror) from error
        phase, pid = Phase.STARTING, 0
        steps: list[str] = []
        for event in _events(text):
            if "phase" in event:
                try:
                    phase, pid = Phase(event["phase"]), int(event.get("pid", 0))
                except ValueError as error:
                    raise _failed("read", self.path, f"it tells of an unknown phase: {event}") from error
            elif "begin" in event and event["begin"] not in steps:
                steps.append(event["begin"])
            elif "undone" in event and event["undone"] in steps:
                steps.remove(event["undone"])
        return JournalState(phase, tuple(steps), pid)

    def _append(self, event: dict[str, Any]) -> None:
        import json

        line = json.dumps(event).encode() + b"\n"
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    # The event must not become a part of the torn line before it.
                    line = b"\n" + line
                written = os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _failed("write", self.path, error.strerror) from error
        if written != len(line):
            raise _failed("write", self.path, os.strerror(errno.ENOSPC))


def _events(text: str) -> list[dict[str, Any]]:
    """Return the events of the lines that are complete; a part of one is no JSON."""
    import json

    events: list[dict[str, Any]] = []
    for line in text.split("\n"):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(cast("dict[str, Any]", event))
    return events


def _failed(verb: str, path: Path, reason: str | None) -> StateFailed:
    return StateFailed(
        f"cannot {verb} {path}: {reason}",
        resolution=f"check free space and permissions below {path.parent.parent}",
    )
