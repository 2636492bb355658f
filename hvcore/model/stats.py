"""What an instance has used since its start, and what it uses now: counters and gauges as the kernel keeps them.

Sizes are in bytes, for that is what the kernel counts in and what rates are made from; times are in seconds. None stands for
what this node does not tell, never for zero.
"""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

from hvcore.model.state import InstanceState

__all__ = [
    "BlockIoStats",
    "CpuStats",
    "InstanceStats",
    "MemoryStats",
    "NicStats",
    "Pressure",
    "PressureStats",
    "Stall",
]


@frozen
class CpuStats:
    """CPU time, counted since the instance's start.

    Attributes:
        seconds: in all.
        user_seconds: in programs.
        system_seconds: in the kernel.
        periods: enforcement periods of its CPU bandwidth limit in which it wanted to run.
        throttled_periods: those of them in which it used up its share and had to wait.
        throttled_seconds: how long it had to wait, summed over CPUs.
    """

    seconds: float = 0.0
    user_seconds: float | None = None
    system_seconds: float | None = None
    periods: int | None = None
    throttled_periods: int | None = None
    throttled_seconds: float | None = None


@frozen
class MemoryStats:
    """Memory by kind, now; only ``oom_kills`` counts.

    Attributes:
        used_bytes: everything that counts towards the limit, the cache of files included.
        anon_bytes: what programs have allocated.
        file_bytes: the cache of files, and memory shared between programs.
        kernel_bytes: what the kernel holds for it.
        limit_bytes: the most that it may use.
        swap_used_bytes: what of it is swapped out.
        swap_limit_bytes: the most that may be.
        oom_kills: processes that the kernel has killed because the limit was reached.
    """

    used_bytes: int | None = None
    anon_bytes: int | None = None
    file_bytes: int | None = None
    kernel_bytes: int | None = None
    limit_bytes: int | None = None
    swap_used_bytes: int | None = None
    swap_limit_bytes: int | None = None
    oom_kills: int | None = None


@frozen
class BlockIoStats:
    """What went to and came from block devices, all of them together, counted since the start.

    Attributes:
        read_bytes: bytes read.
        written_bytes: bytes written.
        reads: operations that read.
        writes: operations that wrote.
    """

    read_bytes: int
    written_bytes: int
    reads: int
    writes: int


@frozen
class NicStats:
    """What went through one NIC, as the guest sees it, counted at the node's end.

    Attributes:
        device: the node's end.
        received_bytes: bytes that the guest received.
        received_packets: packets that it received.
        received_errors: packets for it that were faulty.
        received_dropped: packets for it that were dropped.
        sent_bytes: bytes that it sent.
        sent_packets: packets that it sent.
        sent_errors: packets from it that were faulty.
        sent_dropped: packets from it that were dropped.
    """

    device: str
    received_bytes: int
    received_packets: int
    received_errors: int
    received_dropped: int
    sent_bytes: int
    sent_packets: int
    sent_errors: int
    sent_dropped: int


@frozen
class Stall:
    """How long work stood still for want of a resource.

    Attributes:
        avg10_percent: share of the last 10 seconds, 0 to 100.
        avg60_percent: share of the last minute.
        avg300_percent: share of the last five minutes.
        seconds: in all, counted since the start.
    """

    avg10_percent: float
    avg60_percent: float
    avg300_percent: float
    seconds: float


@frozen
class Pressure:
    """The pressure on one resource.

    Attributes:
        some: while at least one task waited.
        full: while every task waited; None where the kernel does not tell.

    Source: Linux, Documentation/accounting/psi.rst.
    """

    some: Stall
    full: Stall | None = None


@frozen
class PressureStats:
    """The pressure on each resource; None where the kernel does not tell.

    Attributes:
        cpu: while tasks waited for a CPU.
        memory: while they waited for memory, as for what was swapped out.
        io: while they waited for block devices.
    """

    cpu: Pressure | None = None
    memory: Pressure | None = None
    io: Pressure | None = None


@frozen
class InstanceStats:
    """Statistics of a running or paused instance.

    Attributes:
        name: its name.
        hypervisor: the hypervisor that runs it.
        state: its state.
        time_s: when it was measured, in seconds since the node's boot; the difference of two makes rates of counters.
        cpu: CPU time.
        memory: memory.
        block_io: block devices, or None where that is not known.
        nics: one entry per NIC with a device on the node, in the order of the NICs.
        tasks: its processes and threads, or None where that is not known.
        tasks_limit: how many of them it may have, or None where there is no limit or it is not known.
        pressure: what it had to wait for, or None where the kernel does not tell.
    """

    name: str
    hypervisor: str
    state: InstanceState
    time_s: float
    cpu: CpuStats
    memory: MemoryStats
    block_io: BlockIoStats | None = None
    nics: tuple[NicStats, ...] = ()
    tasks: int | None = None
    tasks_limit: int | None = None
    pressure: PressureStats | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON."""
        return {**asdict(self), "state": str(self.state), "nics": [asdict(nic) for nic in self.nics]}
