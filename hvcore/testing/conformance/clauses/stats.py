"""What statistics promise."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, cast

from hvcore.model.stats import InstanceStats
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import allowed, ensure
from hvcore.testing.conformance.trial import Trial

__all__ = ["StatsClauses"]

_ONE, _ALL = "get_instance_stats", "get_all_instances_stats"
_COUNTERS = (
    *(f"cpu.{name}" for name in ("seconds", "periods", "throttled_periods", "throttled_seconds")),
    *(f"block_io.{name}" for name in ("read_bytes", "written_bytes", "reads", "writes")),
    "memory.oom_kills",
)


class StatsClauses:
    """What instances use."""

    @clause("The statistics of an instance that does not run are None, not an error.", _ONE, level=Level.FULL)
    def test_stats_of_what_does_not_run(self, trial: Trial) -> None:
        found = allowed("a question for what never ran", trial.hypervisor.instance_stats, trial.unknown)
        ensure(found is None, f"the statistics of what never ran are {found}")
        trial.start()
        trial.stop()
        found = allowed("a question for a stopped instance", trial.hypervisor.instance_stats, trial.name)
        ensure(found is None, f"the statistics of a stopped instance are {found}")

    @clause("Statistics name their instance, its hypervisor and its state.", _ONE, level=Level.FULL)
    def test_stats_name_their_instance(self, trial: Trial) -> None:
        trial.start()
        stats, info = _stats(trial), trial.info()
        told = (stats.name, stats.hypervisor, stats.state)
        ensure(told == (info.name, info.hypervisor, info.state), f"the statistics are of {told}")

    @clause("Statistics are finite numbers, none below zero, or None.", _ONE, level=Level.FULL)
    def test_stats_have_their_units(self, trial: Trial) -> None:
        trial.start()
        for path, value in _leaves(_stats(trial).to_dict()):
            good = value is None or isinstance(value, str) or (math.isfinite(value) and value >= 0)
            ensure(good, f"{path} is {value!r}")

    @clause("What statistics count never runs backwards.", _ONE, level=Level.FULL)
    def test_stats_count_upwards(self, trial: Trial) -> None:
        trial.start()
        looks = [dict(_leaves(_stats(trial).to_dict())) for _ in range(4)]
        for path in ("time_s", *_COUNTERS):
            values = [look[path] for look in looks if look.get(path) is not None]
            ensure(values == sorted(values), f"{path} was, one after the other, {values}")

    @clause("All statistics come sorted by name, one for each name that is listed.", _ALL, level=Level.FULL)
    def test_stats_of_all_match_the_list(self, trial: Trial) -> None:
        trial.start(trial.sibling)
        trial.start()
        listed = allowed("a list", trial.hypervisor.list_instances)
        measured = tuple(stats.name for stats in allowed("all statistics", trial.hypervisor.all_instances_stats))
        ensure(measured == listed, f"listed are {listed}, measured {measured}")


def _stats(trial: Trial) -> InstanceStats:
    stats = allowed("a question for statistics", trial.hypervisor.instance_stats, trial.name)
    ensure(stats is not None, f"there are no statistics of {trial.name}, which runs")
    return cast("InstanceStats", stats)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value
