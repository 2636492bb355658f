"""How fast an instance uses what it uses: the difference of two looks."""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

from hvcore.model.stats import InstanceStats

__all__ = ["InstanceRates", "rates_between"]


@frozen
class InstanceRates:
    """What an instance used per second between two looks; None where it is not known.

    Attributes:
        interval_s: the seconds between them.
        cpu_percent: CPU time; 100 is one CPU.
        user_percent: the part of it in programs.
        system_percent: the part of it in the kernel.
        throttled_percent: time that it waited for its CPU bandwidth; 100 is one CPU.
        read_bytes_per_s: read from block devices.
        written_bytes_per_s: written to them.
        reads_per_s: operations that read.
        writes_per_s: operations that wrote.
        received_bytes_per_s: received by all NICs together.
        received_packets_per_s: likewise.
        sent_bytes_per_s: sent by all NICs together.
        sent_packets_per_s: likewise.
    """

    interval_s: float
    cpu_percent: float | None = None
    user_percent: float | None = None
    system_percent: float | None = None
    throttled_percent: float | None = None
    read_bytes_per_s: float | None = None
    written_bytes_per_s: float | None = None
    reads_per_s: float | None = None
    writes_per_s: float | None = None
    received_bytes_per_s: float | None = None
    received_packets_per_s: float | None = None
    sent_bytes_per_s: float | None = None
    sent_packets_per_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON."""
        return asdict(self)


def rates_between(before: InstanceStats, after: InstanceStats) -> InstanceRates | None:
    """Return the rates between two looks at one instance.

    Returns:
        The rates; None when there are none: the looks are one moment, or the instance was started anew in between, so that
        its CPU time has begun from zero. A single counter that has is None alone.
    """
    interval_s = after.time_s - before.time_s
    if interval_s <= 0 or after.cpu.seconds < before.cpu.seconds:
        return None

    def rate(was: float | None, now: float | None, factor: float = 1.0) -> float | None:
        return None if was is None or now is None or now < was else round((now - was) / interval_s * factor, 3)

    cpu, cpu_before = after.cpu, before.cpu
    io, io_before = after.block_io, before.block_io
    disk = [
        rate(getattr(io_before, field, None), getattr(io, field, None))
        for field in ("read_bytes", "written_bytes", "reads", "writes")
    ]
    network = [
        rate(_sum(before, field), _sum(after, field))
        for field in ("received_bytes", "received_packets", "sent_bytes", "sent_packets")
    ]
    return InstanceRates(
        round(interval_s, 3),
        rate(cpu_before.seconds, cpu.seconds, 100),
        rate(cpu_before.user_seconds, cpu.user_seconds, 100),
        rate(cpu_before.system_seconds, cpu.system_seconds, 100),
        rate(cpu_before.throttled_seconds, cpu.throttled_seconds, 100),
        *disk,
        *network,
    )


def _sum(stats: InstanceStats, field: str) -> int | None:
    return sum(getattr(nic, field) for nic in stats.nics) if stats.nics else None
