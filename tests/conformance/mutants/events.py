"""The ends of guests."""

from __future__ import annotations

from typing import Any

from mutation import breaks

from hvcore.fake.driver import FakeDriver
from hvcore.hypervisor import Hypervisor
from hvcore.model.event import EventReason, GuestEnd
from hvcore.plugin import hookimpl
from hvcore.system.guest_watch import GuestWatch
from hvcore.system.notify import open_timer


@breaks("a-running-guest-has-not-ended", "whoever is asked about has ended")
class EndsAll(FakeDriver):
    @hookimpl
    def get_guest_end(self, instance_name: str) -> Any:
        return super().get_guest_end(instance_name) or GuestEnd(EventReason.UNKNOWN)


@breaks("what-runs-can-be-watched", "nothing is watched")
class WatchesNothing(FakeDriver):
    @hookimpl
    def watch_guest(self, instance_name: str) -> Any:
        return None


@breaks("what-runs-can-be-watched", "the dead are watched")
class WatchesTheDead(FakeDriver):
    @hookimpl
    def watch_guest(self, instance_name: str) -> Any:
        return super().watch_guest(instance_name) or GuestWatch([open_timer(3600)])


@breaks("what-runs-can-be-watched", "the watch is always awake")
class IsAlwaysAwake(FakeDriver):
    @hookimpl
    def watch_guest(self, instance_name: str) -> Any:
        watch = super().watch_guest(instance_name)
        if watch is None:
            return None
        watch.close()
        awake = GuestWatch([open_timer(0)])
        import select

        select.select([awake], [], [])
        return awake


@breaks("a-stop-wakes-the-watch", "the watch never wakes up")
class NeverWakes(FakeDriver):
    @hookimpl
    def watch_guest(self, instance_name: str) -> Any:
        watch = super().watch_guest(instance_name)
        if watch is None:
            return None
        watch.close()
        return GuestWatch([open_timer(3600)])


@breaks("a-life-is-told-in-order", "a start is not told")
class TellsNoStart(Hypervisor):
    def start_instance(self, *arguments: Any, **more: Any) -> None:
        from contextlib import nullcontext

        self._events.starting = lambda *_: nullcontext()  # type: ignore[method-assign]
        super().start_instance(*arguments, **more)
