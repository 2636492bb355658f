"""What watching a guest promises."""

from __future__ import annotations

import select
from contextlib import closing

from hvcore.model.event import EventKind, GuestEnd
from hvcore.spec.events import EventsSpec
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import allowed, ensure
from hvcore.testing.conformance.trial import Trial

__all__ = ["EventClauses"]

_WATCH, _END = "watch_guest", "get_guest_end"


class EventClauses:
    """Guests that end."""

    @clause("A guest that runs has not ended.", _END, level=Level.FULL)
    def test_a_running_guest_has_not_ended(self, trial: Trial) -> None:
        trial.start()
        end = _end(trial)
        ensure(end is None, f"the guest runs, and is said to have ended: {end}")

    @clause("A guest that runs can be watched; one that never ran, or was stopped, cannot.", _WATCH, level=Level.FULL)
    def test_what_runs_can_be_watched(self, trial: Trial) -> None:
        scope = trial.hypervisor.scope
        unknown = allowed("watching what never ran", scope.command, EventsSpec.watch_guest, trial.unknown)
        ensure(unknown is None, "what never ran is watched")
        trial.start()
        watch = allowed("watching a guest", scope.command, EventsSpec.watch_guest, trial.name)
        ensure(watch is not None, "a guest that runs is not watched")
        if watch is not None:
            with closing(watch):
                is_quiet = not select.select([watch.fileno()], [], [], 0)[0]
            ensure(is_quiet, "the watch over a guest that runs says at once that it may have ended")
        trial.stop()
        stopped = allowed("watching a stopped guest", scope.command, EventsSpec.watch_guest, trial.name)
        ensure(stopped is None, "a stopped guest is watched")

    @clause("A stop wakes whoever watches the guest.", _WATCH, level=Level.FULL)
    def test_a_stop_wakes_the_watch(self, trial: Trial) -> None:
        trial.start()
        watch = allowed("watching a guest", trial.hypervisor.scope.command, EventsSpec.watch_guest, trial.name)
        ensure(watch is not None, "a guest that runs is not watched")
        if watch is not None:
            with closing(watch):
                trial.hypervisor.stop_instance(trial.name, force=True)
                woken = select.select([watch.fileno()], [], [], trial.patience_s)[0]
            ensure(woken, "the guest was stopped, and its watch did not wake up")

    @clause("A life is told in order: starting, started, stopping, stopped.", _WATCH, level=Level.FULL)
    def test_a_life_is_told_in_order(self, trial: Trial) -> None:
        with trial.hypervisor.watch_events() as watch:
            trial.start()
            trial.hypervisor.stop_instance(trial.name, force=True)
            told: list[EventKind] = []
            while event := watch.wait(0):
                if event.instance == trial.name:
                    told.append(event.kind)
        wanted = [EventKind.STARTING, EventKind.STARTED, EventKind.STOPPING, EventKind.STOPPED]
        ensure(told == wanted, f"it was told as {', '.join(told)}")


def _end(trial: Trial) -> GuestEnd | None:
    scope = trial.hypervisor.scope
    return allowed("asking whether a guest has ended", scope.command, EventsSpec.get_guest_end, trial.name)
