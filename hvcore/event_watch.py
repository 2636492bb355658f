"""Watching what happens: events in order, without polling, and none lost unnoticed."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from attrs import frozen

from hvcore.errors import HypervisorError, InvalidInput, StateFailed
from hvcore.guest_watches import GuestWatches
from hvcore.system.event_log import EventLog
from hvcore.system.event_reader import EventReader
from hvcore.system.notify import add_directory, drain, open_notifier

if TYPE_CHECKING:
    from hvcore.model.event import InstanceEvent
    from hvcore.scope import Scope

__all__ = ["EventSource", "EventWatch", "watch_all"]


@frozen
class EventSource:
    """One hypervisor to watch.

    Attributes:
        scope: its scope.
        log: its event log.
        after: the cursor of the event to begin after; "" begins with the oldest that is kept, None with the next one.
    """

    scope: Scope
    log: EventLog
    after: str | None = None


class EventWatch:
    """Yields events as they happen, those of each hypervisor in order; made by ``watch_events``.

    It sleeps until the kernel says that a log was written or a guest has ended. It holds no more in memory than a piece of
    each log: a reader who is so slow that events are thrown away gets one of kind ``lost`` in their place.

    A watch is used by one thread at a time; ``close`` may be called by any, and ends the iteration.

    Args:
        sources: the hypervisors.

    Raises:
        InvalidInput: a cursor is none.
        OperationFailed: the kernel does not let more be watched.
        StateFailed: an event log cannot be read or written.
    """

    def __init__(self, sources: Iterable[EventSource]) -> None:
        self._using = threading.Lock()
        self._queue: deque[InstanceEvent] = deque()
        self._is_closed = False
        self._poll = select.epoll()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._notifier = -1
        self._readers: list[tuple[EventReader, GuestWatches]] = []
        try:
            self._poll.register(self._bell, select.EPOLLIN)
            self._notifier = open_notifier()
            self._poll.register(self._notifier, select.EPOLLIN)
            for source in sources:
                self._add(source)
        except BaseException:
            self._release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[InstanceEvent]:
        """Yield events until the watch is closed."""
        while (event := self.wait()) is not None:
            yield event

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``wait(0)`` may have something to say."""
        return self._poll.fileno()

    def wait(self, timeout_s: float | None = None) -> InstanceEvent | None:
        """Return the next event.

        Args:
            timeout_s: seconds to wait for it at most; 0 only looks, None waits for ever.

        Returns:
            The event, or None when the time is up or the watch was closed.

        Raises:
            OperationFailed: a guest could not be watched any more.
            StateFailed: an event log cannot be read or written.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._using:
            while not self._is_closed:
                if not self._queue:
                    self._read()
                if self._queue:
                    return self._queue.popleft()
                left_s = None if deadline is None else deadline - time.monotonic()
                woken = self._sleep(None if left_s is None else max(left_s, 0.0))
                if not woken and left_s is not None and left_s <= 0:
                    return None
        return None

    def close(self) -> None:
        """End the watch: whoever waits gets None. May be called again, and by any thread."""
        if not self._is_closed:
            self._is_closed = True
            os.eventfd_write(self._bell, 1)
            with self._using:
                self._release()

    def _add(self, source: EventSource) -> None:
        directory = source.log.directory
        try:
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise StateFailed(
                f"{directory} cannot be made: {error.strerror}",
                resolution="run as root, or set HVCORE_STATE_DIR to a directory you may write",
            ) from error
        add_directory(self._notifier, directory)
        reader = EventReader(directory, source.scope.hypervisor, source.after)
        guests = GuestWatches(source.scope, source.log, self._poll)
        self._readers.append((reader, guests))
        guests.begin()

    def _read(self) -> None:
        for reader, guests in self._readers:
            found = reader.read()
            self._queue.extend(found)
            for event in found:
                guests.heed(event)

    def _sleep(self, timeout_s: float | None) -> bool:
        woken = {descriptor for descriptor, _ in self._poll.poll(-1 if timeout_s is None else timeout_s)}
        if self._notifier in woken:
            drain(self._notifier)
        for _, guests in self._readers:
            guests.woken(woken)
        return bool(woken)

    def _release(self) -> None:
        self._is_closed = True
        for reader, guests in self._readers:
            guests.close()
            reader.close()
        self._readers = []
        for descriptor in (self._notifier, self._bell):
            if descriptor >= 0:
                os.close(descriptor)
        self._notifier = self._bell = -1
        if not self._poll.closed:
            self._poll.close()


def watch_all(
    names: Sequence[str], find: Callable[[str], tuple[Scope, Path]], after: Iterable[str], kept: bool
) -> EventWatch:
    """Return a watch over several hypervisors; see ``Host.watch_events``.

    Args:
        names: the hypervisors.
        find: returns a hypervisor's scope and the directory of its events.
        after: a cursor for some of them.
        kept: whether the others begin with the oldest event that is kept.
    """
    cursors: dict[str, str] = {}
    for cursor in after:
        name = cursor.partition("/")[0]
        if name in cursors or name not in names:
            raise InvalidInput(
                f"{cursor!r} is no cursor of an event, or the second one of {name!r}",
                key="after",
                value=cursor,
                allowed=f"one cursor of each of {', '.join(names)}",
            )
        cursors[name] = cursor
    sources: list[EventSource] = []
    for name in names:
        try:
            scope, directory = find(name)
        except HypervisorError:
            continue  # it is told of by `plugins()`, and has no instances as long as it cannot be loaded
        sources.append(EventSource(scope, EventLog(directory), cursors.get(name, "" if kept else None)))
    return EventWatch(sources)
