"""Statistics of a fake guest: figures that follow from its time, its memory and its definition alone."""

from __future__ import annotations

from hvcore.context import DriverContext
from hvcore.errors import StateFailed
from hvcore.fake.clock import read_clock
from hvcore.fake.files import InstanceFiles
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

__all__ = ["measure"]

_MIB = 2**20
_USER_SHARE = 0.75
_READS_PER_S, _WRITES_PER_S, _BLOCK = 2, 1, 4096
_PACKETS_PER_S, _PACKET = 10, 100
_CALM = Pressure(Stall(0.0, 0.0, 0.0, 0.0), Stall(0.0, 0.0, 0.0, 0.0))


def measure(context: DriverContext, name: str) -> InstanceStats | None:
    """Make up the statistics of one instance; None when it does not run.

    Args:
        context: the driver's surroundings.
        name: the instance's name.
    """
    clock = read_clock()
    files = InstanceFiles(context.instance_dir(name))
    state = files.running(clock)
    if state is None:
        return None
    seconds = state.guest_time_s(clock)
    reads, writes, packets = (int(seconds * rate) for rate in (_READS_PER_S, _WRITES_PER_S, _PACKETS_PER_S))
    total = state.memory_mib * _MIB
    anon, kernel = total // 4, total // 16
    traffic = (packets * _PACKET, packets, 0, 0)
    return InstanceStats(
        name=name,
        hypervisor=context.name,
        state=InstanceState.PAUSED if state.is_paused else InstanceState.RUNNING,
        time_s=clock.seconds,
        cpu=CpuStats(seconds, seconds * _USER_SHARE, seconds * (1 - _USER_SHARE), int(seconds * 10), 0, 0.0),
        memory=MemoryStats(total // 2, anon, total // 2 - anon - kernel, kernel, total, 0, total, 0),
        block_io=BlockIoStats(reads * _BLOCK, writes * _BLOCK, reads, writes),
        nics=tuple(NicStats(f"{name}-{index}", *traffic, *traffic) for index in range(_nic_count(files))),
        tasks=1,
        pressure=PressureStats(_CALM, _CALM, _CALM),
    )


def _nic_count(files: InstanceFiles) -> int:
    try:
        definition = files.read_definition()
    except StateFailed:
        return 0  # a lost definition is for `verify_instance` to find
    return 0 if definition is None else len(definition.nics)
