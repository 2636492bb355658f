"""The guests that a watch looks after, and what it tells when one of them ends by itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from attrs import frozen

from hvcore.model.event import EventKind, EventReason, InstanceEvent
from hvcore.recording import end_of_guest, ended_news, is_at_work
from hvcore.spec.events import EventsSpec
from hvcore.spec.inventory import InventorySpec
from hvcore.system.event_log import EventLog, News
from hvcore.system.processes import open_pidfd

if TYPE_CHECKING:
    import select

    from hvcore.model.event import GuestWatcher
    from hvcore.scope import Scope
    from hvcore.system.event_file import Record

__all__ = ["GuestWatches"]


@frozen(eq=False)
class _Watched:
    """A guest that is looked after, or the process that is at work on it.

    Attributes:
        descriptor: readable when either may have ended.
        watch: the driver's watch; None of a process at work.
        run: the guest's run; "" of a process at work, and where the driver does not tell runs apart.
        number: of the last event that was known when the watch began.
    """

    descriptor: int
    watch: GuestWatcher | None
    run: str
    number: int

    def close(self) -> None:
        """End the watch."""
        if self.watch is None:
            os.close(self.descriptor)
        else:
            self.watch.close()


class GuestWatches:
    """Watches over the guests of one hypervisor.

    Args:
        scope: the hypervisor's scope.
        log: its event log.
        poll: where descriptors are entered.
    """

    def __init__(self, scope: Scope, log: EventLog, poll: select.epoll) -> None:
        self._scope = scope
        self._log = log
        self._poll = poll
        self._watched: dict[str, _Watched] = {}

    def begin(self) -> None:
        """Look after every instance that is up, and tell of those that have ended since somebody looked last."""
        names = set(self._log.up())
        if self._scope.implements(InventorySpec.list_instances):
            names |= set(self._scope.command(InventorySpec.list_instances, parameters=None))
        for name in sorted(names):
            self.look(name)

    def heed(self, event: InstanceEvent) -> None:
        """Do what an event asks for: begin or end a watch."""
        if event.kind is EventKind.LOST:
            self.begin()
        elif event.kind.is_up:
            if event.kind not in {EventKind.PAUSED, EventKind.RESUMED} or event.instance not in self._watched:
                self.look(event.instance)
        else:
            self._forget(event.instance)
            if self._log.last(event.instance) is not None:
                self.look(event.instance)

    def woken(self, descriptors: set[int]) -> None:
        """Look at the guests whose watches have become readable."""
        for name in [name for name, watched in self._watched.items() if watched.descriptor in descriptors]:
            self.look(name)

    def look(self, name: str) -> None:
        """Look at one instance: watch over it, or tell that it has ended."""
        before = self._watched.get(name)
        last = self._log.last(name)
        if last is not None and is_at_work(last):
            self._watch_process(name, last)
            return
        watch = self._open(name)
        if watch is None:
            self._forget(name)
            end = end_of_guest(self._scope, name) if last else None
            if end is not None:
                self._log.tell(name, lambda now: ended_news(now, end) if _same(now, last) else ())
            return
        number = last.number if last else 0
        if before and before.watch and before.run and watch.run != before.run and number <= before.number:
            run = watch.run
            self._log.tell(name, lambda now: _restarted(now, run) if _same(now, last) else ())
        self._forget(name)
        self._enter(name, _Watched(watch.fileno(), watch, watch.run, number))

    def close(self) -> None:
        """End all watches."""
        for name in list(self._watched):
            self._forget(name)

    def _open(self, name: str) -> GuestWatcher | None:
        if not self._scope.implements(EventsSpec.watch_guest):
            return None
        return self._scope.command(EventsSpec.watch_guest, instance_name=name)

    def _watch_process(self, name: str, last: Record) -> None:
        """Wait for whoever is at work; when he is killed, nobody else tells what became of it."""
        self._forget(name)
        descriptor = open_pidfd(last.pid)
        if descriptor is not None:
            self._enter(name, _Watched(descriptor, None, "", last.number))

    def _enter(self, name: str, watched: _Watched) -> None:
        import select

        try:
            self._poll.register(watched.descriptor, select.EPOLLIN)
        except OSError:
            watched.close()
            raise
        self._watched[name] = watched

    def _forget(self, name: str) -> None:
        watched = self._watched.pop(name, None)
        if watched is not None:
            self._poll.unregister(watched.descriptor)
            watched.close()


def _same(now: Record | None, then: Record | None) -> bool:
    return (now.number if now else None) == (then.number if then else None)


def _restarted(last: Record | None, run: str) -> tuple[News, ...]:
    """Return what there is to tell of a guest that has rebooted itself; nothing where another watch has told it."""
    if last is not None and last.run == run:
        return ()
    return (News(EventKind.STOPPED, EventReason.REBOOT), News(EventKind.STARTED, EventReason.REBOOT, run=run))
