"""The verbs that watch instances: their statistics and their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.stats import StatsSpec
from hvcore.verbs import Verbs, name_of

if TYPE_CHECKING:
    from hvcore.event_watch import EventWatch
    from hvcore.model.instance import Instance
    from hvcore.model.stats import InstanceStats

__all__ = ["WatchVerbs"]


class WatchVerbs(Verbs):
    """What instances use, and what happens to them."""

    def instance_stats(self, instance: Instance | str) -> InstanceStats | None:
        """Measure one running instance: CPU, memory, block devices, network, tasks and pressure.

        Args:
            instance: its definition or its name.

        Returns:
            Its statistics, sizes in bytes and times in seconds; None when it does not run.

        Raises:
            OperationFailed: it runs but could not be measured.
        """
        return self.scope.command(StatsSpec.get_instance_stats, instance_name=name_of(instance))

    def all_instances_stats(self) -> tuple[InstanceStats, ...]:
        """Measure every running instance in one pass, sorted by name."""
        return self.scope.command(StatsSpec.get_all_instances_stats)

    def watch_events(self, after: str | None = None) -> EventWatch:
        """Watch what happens to this hypervisor's instances: what verbs do, in whatever process, and guests that end.

        While somebody watches, a guest that ends by itself is told of at once; otherwise when the next verb, or the next
        watch, finds it.

        Args:
            after: the cursor of the event to begin after; "" begins with the oldest event that is kept, None with the next
                one.

        Returns:
            A watch; iterate over it, and close it or use it in a ``with``.

        Raises:
            InvalidInput: the cursor is none of this hypervisor.
            OperationFailed: the kernel does not let more be watched.
            StateFailed: the event log cannot be read or written.
        """
        from hvcore.event_watch import EventSource, EventWatch
        from hvcore.system.event_log import EventLog

        return EventWatch([EventSource(self.scope, EventLog(self.context.events_dir), after)])
