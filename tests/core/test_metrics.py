"""Statistics for Prometheus, read back by Prometheus' own parser."""

from __future__ import annotations

import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import hvcore
from hvcore.errors import MissingRequirement
from hvcore.metrics import StatsCollector, page
from hvcore.model.state import InstanceState
from hvcore.model.stats import (
    BlockIoStats,
    CpuStats,
    InstanceStats,
    MemoryStats,
    NicStats,
    Pressure,
    PressureStats,
    Stall,
)
from hvcore.plugin import BaseHypervisor, HypervisorPlugin, hookimpl

STATS = InstanceStats(
    "web1",
    "toy",
    InstanceState.PAUSED,
    1.0,
    CpuStats(3.0, 2.0, 1.0, 9, 8, 7.0),
    MemoryStats(10, 11, 12, 13, 14, 15, 16, 17),
    BlockIoStats(20, 21, 22, 23),
    (NicStats("hv0", 30, 31, 32, 33, 34, 35, 36, 37),),
    40,
    41,
    PressureStats(cpu=Pressure(Stall(0, 0, 0, 50.0), Stall(0, 0, 0, 51.0)), io=Pressure(Stall(0, 0, 0, 52.0))),
)
BARE = InstanceStats("web2", "toy", InstanceState.RUNNING, 1.0, CpuStats(5.0), MemoryStats())


def samples(text: bytes) -> dict[str, float]:
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text.decode()):
        assert family.documentation
        for sample in family.samples:
            rest = [value for key, value in sample.labels.items() if key not in {"hypervisor", "name"}]
            found[" ".join((sample.name, *filter(None, [sample.labels.get("name")]), *rest))] = sample.value
    return found


def test_every_figure_is_on_the_page() -> None:
    prefix = "hvcore_instance_"
    found = {key.removeprefix(prefix): value for key, value in samples(page([STATS])).items()}
    assert found == {
        "up web1": 1,
        "paused web1": 1,
        "cpu_seconds_total web1 user": 2,
        "cpu_seconds_total web1 system": 1,
        "cpu_periods_total web1": 9,
        "cpu_throttled_periods_total web1": 8,
        "cpu_throttled_seconds_total web1": 7,
        "memory_used_bytes web1": 10,
        "memory_bytes web1 anon": 11,
        "memory_bytes web1 file": 12,
        "memory_bytes web1 kernel": 13,
        "memory_limit_bytes web1": 14,
        "swap_used_bytes web1": 15,
        "swap_limit_bytes web1": 16,
        "oom_kills_total web1": 17,
        "block_bytes_total web1 read": 20,
        "block_bytes_total web1 write": 21,
        "block_operations_total web1 read": 22,
        "block_operations_total web1 write": 23,
        "network_bytes_total web1 hv0 receive": 30,
        "network_packets_total web1 hv0 receive": 31,
        "network_errors_total web1 hv0 receive": 32,
        "network_dropped_total web1 hv0 receive": 33,
        "network_bytes_total web1 hv0 transmit": 34,
        "network_packets_total web1 hv0 transmit": 35,
        "network_errors_total web1 hv0 transmit": 36,
        "network_dropped_total web1 hv0 transmit": 37,
        "tasks web1": 40,
        "tasks_limit web1": 41,
        "pressure_seconds_total web1 cpu some": 50,
        "pressure_seconds_total web1 cpu full": 51,
        "pressure_seconds_total web1 io some": 52,
    }


def test_what_is_not_known_is_not_on_the_page() -> None:
    found = samples(page([BARE]))
    assert found == {
        "hvcore_instance_up web2": 1,
        "hvcore_instance_paused web2": 0,
        "hvcore_instance_cpu_seconds_total web2 all": 5,
    }
    assert page([]) == b""


def test_a_collector_measures_at_each_scrape() -> None:
    class Toy(BaseHypervisor):
        @hookimpl
        def get_all_instances_stats(self) -> tuple[InstanceStats, ...]:
            return answers.pop()

    answers = [(STATS, BARE), ()]
    plugins = [HypervisorPlugin("toy", "", Toy), HypervisorPlugin("mute", "", BaseHypervisor)]
    registry = CollectorRegistry()
    registry.register(StatsCollector(hvcore.load(plugins=plugins, discover=False)))
    assert samples(generate_latest(registry)) == {"hvcore_unanswered": 1}
    assert samples(generate_latest(registry))["hvcore_instance_up web2"] == 1


def test_without_prometheus_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingRequirement) as caught:
        page([STATS])
    assert "hvcore[prometheus]" in str(caught.value.resolution)
