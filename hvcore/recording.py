"""What the verbs tell the event log: in one place, under the instance's lock.

The log is never a reason for a verb to fail. What cannot be written is logged, and is missing in the log.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hvcore.errors import AlreadyRunning, HypervisorError
from hvcore.model.event import EventKind, EventReason, GuestEnd
from hvcore.spec.events import EventsSpec
from hvcore.spec.inventory import InventorySpec
from hvcore.system.event_log import Decide, EventLog, News
from hvcore.system.process_usage import is_dead

if TYPE_CHECKING:
    from hvcore.scope import Scope
    from hvcore.system.event_file import Record

__all__ = ["Recorder", "end_of_guest", "ended_news", "is_at_work"]


class Recorder:
    """Tells of one hypervisor's instances.

    Args:
        scope: the hypervisor's scope.
        log: its event log.
    """

    def __init__(self, scope: Scope, log: EventLog) -> None:
        self._scope = scope
        self._log = log

    def settle(self, *names: str) -> None:
        """Tell which guests have ended by themselves, where nobody has done so; asked before anything is done to one."""
        for name in names:
            self._settle(name)

    def _settle(self, name: str) -> None:
        try:
            last = self._log.last(name)
            if last is None or is_at_work(last):
                return
            end = end_of_guest(self._scope, name)
            if end is not None:
                self._log.tell(name, lambda last: ended_news(last, end))
        except HypervisorError as error:
            _complain(error)

    @contextmanager
    def starting(self, name: str, paused: bool) -> Generator[None]:
        """Tell of a start."""
        self._tell(name, lambda last: () if last else (News(EventKind.STARTING),))
        try:
            yield
        except AlreadyRunning:
            self._tell(name, lambda last: (News(EventKind.STARTED),) if _is(last, EventKind.STARTING) else ())
            raise
        except BaseException:
            self._tell(name, lambda last: _if(last, EventKind.STARTING, EventKind.STOPPED, EventReason.START_FAILED))
            raise
        more = (News(EventKind.PAUSED),) if paused else ()
        self._tell(name, lambda _: (News(EventKind.STARTED), *more))

    @contextmanager
    def stopping(self, name: str, force: bool) -> Generator[None]:
        """Tell of a stop; one of what does not run is none."""
        self._tell(name, lambda last: (News(EventKind.STOPPING),) if last and not _is(last, EventKind.STOPPING) else ())
        try:
            yield
        except BaseException:
            self._still_there(name)
            raise
        reason = EventReason.KILLED if force else EventReason.CLEAN
        # Where another stop was faster, it has told, and perhaps somebody has started it since.
        self._tell(name, lambda last: _if(last, EventKind.STOPPING, EventKind.STOPPED, reason))

    @contextmanager
    def rebooting(self, name: str) -> Generator[None]:
        """Tell of a reboot: the guest stops and starts."""
        reason = EventReason.REBOOT
        self._tell(name, lambda last: (News(EventKind.STOPPING, reason),) if last else ())
        try:
            yield
        except BaseException:
            self._still_there(name)
            raise
        self._tell(name, lambda _: (News(EventKind.STOPPED, reason), News(EventKind.STARTED, reason)))

    def paused(self, name: str) -> None:
        """Tell that an instance is paused now; not again."""
        self._tell(name, lambda last: () if _is(last, EventKind.PAUSED) else (News(EventKind.PAUSED),))

    def resumed(self, name: str) -> None:
        """Tell that a paused instance runs again."""
        self._tell(name, lambda last: _if(last, EventKind.PAUSED, EventKind.RESUMED, None))

    def left(self, name: str) -> None:
        """Tell that an instance runs on another node now."""
        gone = News(EventKind.STOPPED, EventReason.MIGRATED)
        self._tell(name, lambda last: (gone,) if last else ())

    def arrived(self, name: str) -> None:
        """Tell that an instance has come from another node."""
        self._tell(name, lambda last: () if last else (News(EventKind.STARTED, EventReason.MIGRATED),))

    def up(self) -> tuple[str, ...]:
        """Return the names of the instances that are up, as far as the log tells."""
        try:
            return tuple(self._log.up())
        except HypervisorError as error:
            _complain(error)
            return ()

    def _still_there(self, name: str) -> None:
        """Tell what became of an instance whose stop failed."""
        try:
            last = self._log.last(name)
            if last is None:
                return
            end = end_of_guest(self._scope, name)
        except HypervisorError as error:
            _complain(error)
            return
        if end is None:
            self._tell(name, lambda last: _if(last, EventKind.STOPPING, EventKind.STARTED, EventReason.STOP_FAILED))
        else:
            self._tell(name, lambda last: ended_news(last, end))

    def _tell(self, name: str, decide: Decide) -> None:
        try:
            self._log.tell(name, decide)
        except HypervisorError as error:
            _complain(error)


def end_of_guest(scope: Scope, name: str) -> GuestEnd | None:
    """Return how a guest ended, or None while it runs; a driver that does not say why is asked whether."""
    if scope.implements(EventsSpec.get_guest_end):
        return scope.command(EventsSpec.get_guest_end, instance_name=name)
    if not scope.implements(InventorySpec.get_instance_info):
        return None
    info = scope.command(InventorySpec.get_instance_info, instance_name=name, parameters=None)
    return GuestEnd(EventReason.UNKNOWN) if info is None else None


def is_at_work(last: Record) -> bool:
    """Tell whether somebody is starting or stopping an instance, and will tell himself what became of it."""
    return last.kind.is_transition and not is_dead(last.pid)


def ended_news(last: Record | None, end: GuestEnd) -> tuple[News, ...]:
    """Return what there is to tell of a guest that has ended: nothing where somebody has told it.

    Args:
        last: the instance's last event, None when it is not up.
        end: how it ended.
    """
    if last is None:
        return ()
    if last.kind is EventKind.STARTING:
        return (News(EventKind.STOPPED, EventReason.START_FAILED),)
    return (News(EventKind.STOPPED, end.reason, end.status),)


def _is(last: Record | None, kind: EventKind) -> bool:
    return last is not None and last.kind is kind


def _if(last: Record | None, was: EventKind, now: EventKind, reason: EventReason | None) -> tuple[News, ...]:
    return (News(now, reason),) if _is(last, was) else ()


def _complain(error: HypervisorError) -> None:
    import logging

    logging.getLogger("hvcore.events").warning("an event is missing: %s", error)
