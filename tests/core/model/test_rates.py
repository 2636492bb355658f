from __future__ import annotations

from attrs import evolve

from hvcore.model.rates import rates_between
from hvcore.model.state import InstanceState
from hvcore.model.stats import BlockIoStats, CpuStats, InstanceStats, MemoryStats, NicStats

BEFORE = InstanceStats(
    "web1",
    "toy",
    InstanceState.RUNNING,
    100.0,
    CpuStats(1.0, 0.5, 0.5, 0, 0, 0.0),
    MemoryStats(),
    BlockIoStats(0, 10, 0, 1),
    (NicStats("a", 0, 0, 0, 0, 5, 1, 0, 0), NicStats("b", 100, 2, 0, 0, 0, 0, 0, 0)),
)
AFTER = evolve(
    BEFORE,
    time_s=102.0,
    cpu=CpuStats(4.0, 2.5, 1.5, 5, 2, 1.0),
    block_io=BlockIoStats(4096, 10, 8, 1),
    nics=(NicStats("a", 10, 2, 0, 0, 5, 1, 0, 0), NicStats("b", 110, 4, 0, 0, 30, 3, 0, 0)),
)


def test_rates_are_per_second():
    rates = rates_between(BEFORE, AFTER)
    assert rates is not None
    assert rates.to_dict() == {
        "interval_s": 2.0,
        "cpu_percent": 150.0,
        "user_percent": 100.0,
        "system_percent": 50.0,
        "throttled_percent": 50.0,
        "read_bytes_per_s": 2048.0,
        "written_bytes_per_s": 0.0,
        "reads_per_s": 4.0,
        "writes_per_s": 0.0,
        "received_bytes_per_s": 10.0,
        "received_packets_per_s": 2.0,
        "sent_bytes_per_s": 15.0,
        "sent_packets_per_s": 1.5,
    }


def test_there_are_none_across_a_start_or_within_one_moment():
    assert rates_between(AFTER, evolve(BEFORE, time_s=110.0)) is None
    assert rates_between(AFTER, AFTER) is None


def test_what_is_not_known_or_began_anew_has_none():
    rates = rates_between(BEFORE, evolve(AFTER, block_io=None, nics=()))
    assert rates is not None
    assert rates.read_bytes_per_s is rates.sent_bytes_per_s is None
    anew = rates_between(BEFORE, evolve(AFTER, block_io=BlockIoStats(1, 1, 0, 0)))
    assert anew is not None
    assert (anew.read_bytes_per_s, anew.written_bytes_per_s) == (0.5, None)
