"""Statistics."""

from __future__ import annotations

import itertools
from typing import Any

from attrs import evolve
from mutation import breaks

from hvcore.errors import NotRunning
from hvcore.fake.driver import FakeDriver
from hvcore.model.state import InstanceState
from hvcore.model.stats import CpuStats, InstanceStats, MemoryStats
from hvcore.plugin import hookimpl


@breaks("stats-of-what-does-not-run", "the dead have statistics, all of them zero")
class MeasuresTheDead(FakeDriver):
    @hookimpl
    def get_instance_stats(self, instance_name: str) -> Any:
        nothing = InstanceStats(instance_name, "fake", InstanceState.SHUTDOWN, 0.0, CpuStats(), MemoryStats())
        return super().get_instance_stats(instance_name) or nothing


@breaks("stats-of-what-does-not-run", "asking for the dead is an error")
class RaisesForTheDead(FakeDriver):
    @hookimpl
    def get_instance_stats(self, instance_name: str) -> Any:
        stats = super().get_instance_stats(instance_name)
        if stats is None:
            raise NotRunning(f"{instance_name} does not run")
        return stats


class Measures(FakeDriver):
    def change(self, stats: InstanceStats) -> InstanceStats:
        return stats

    @hookimpl
    def get_instance_stats(self, instance_name: str) -> Any:
        stats = super().get_instance_stats(instance_name)
        return stats and self.change(stats)


@breaks("stats-name-their-instance", "the statistics do not say of which hypervisor they are")
class MeasuresForNobody(Measures):
    def change(self, stats: InstanceStats) -> InstanceStats:
        return evolve(stats, hypervisor="")


@breaks("stats-name-their-instance", "what runs is measured as paused")
class MeasuresAsPaused(Measures):
    def change(self, stats: InstanceStats) -> InstanceStats:
        return evolve(stats, state=InstanceState.PAUSED)


@breaks("stats-have-their-units", "no limit is -1")
class HasNegativeLimits(Measures):
    def change(self, stats: InstanceStats) -> InstanceStats:
        return evolve(stats, memory=evolve(stats.memory, limit_bytes=-1))


@breaks("stats-have-their-units", "no limit is infinite")
class HasInfiniteLimits(Measures):
    def change(self, stats: InstanceStats) -> InstanceStats:
        return evolve(stats, tasks_limit=float("inf"))


_TICKS = itertools.count()


@breaks("stats-count-upwards", "CPU time is what was used since the last look")
class CountsDown(Measures):
    def change(self, stats: InstanceStats) -> InstanceStats:
        return evolve(stats, cpu=evolve(stats.cpu, seconds=1000.0 - next(_TICKS)))


@breaks("stats-of-all-match-the-list", "all statistics come in reverse")
class MeasuresInReverse(FakeDriver):
    @hookimpl
    def get_all_instances_stats(self) -> Any:
        return tuple(reversed(super().get_all_instances_stats()))


@breaks("stats-of-all-match-the-list", "only the first is measured")
class MeasuresOne(FakeDriver):
    @hookimpl
    def get_all_instances_stats(self) -> Any:
        return super().get_all_instances_stats()[:1]
