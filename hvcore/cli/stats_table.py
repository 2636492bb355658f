"""Statistics as a table: sums since the start, or what was used since the last look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hvcore.cli.table import Cell, Row, render_table
from hvcore.model.rates import InstanceRates
from hvcore.model.stats import InstanceStats, Pressure

__all__ = ["shown_bytes", "stats_table"]

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STATE_COLOURS = {"running": "green", "paused": "yellow"}
_Key = tuple[str, str]


def stats_table(instances: Sequence[InstanceStats], rates: Mapping[_Key, InstanceRates] | None, colour: bool) -> str:
    """Return statistics as a table; what none of the instances tells has no column.

    Args:
        instances: the statistics.
        rates: since the last look, by hypervisor and name; None for a single look.
        colour: whether the output may be coloured.
    """
    columns = [
        {**_gauges(stats), **(_sums(stats) if rates is None else _rates(rates.get((stats.hypervisor, stats.name))))}
        for stats in instances
    ]
    titles = [title for title in columns[0] if any(facts[title] is not None for facts in columns)]
    rows: list[Row] = [[facts[title] or Cell("-", right=True) for title in titles] for facts in columns]
    return render_table(titles, rows, colour)


def shown_bytes(count: float | None) -> str | None:
    """Return bytes as a person reads them, such as ``1.5 MiB``; None for None."""
    if count is None:
        return None
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if not unit or value >= 100 else f"{value:.1f} {_UNITS[unit]}"


def _gauges(stats: InstanceStats) -> dict[str, Cell | None]:
    memory, pressure = stats.memory, stats.pressure
    return {
        "NAME": Cell(stats.name),
        "HYPERVISOR": Cell(stats.hypervisor),
        "STATE": Cell(str(stats.state), _STATE_COLOURS.get(str(stats.state))),
        "MEMORY": _right(shown_bytes(memory.used_bytes)),
        "LIMIT": _right(shown_bytes(memory.limit_bytes)),
        "CACHE": _right(shown_bytes(memory.file_bytes)),
        "SWAP": _right(shown_bytes(memory.swap_used_bytes)),
        "OOM": _right(None if memory.oom_kills is None else str(memory.oom_kills), "red" if memory.oom_kills else None),
        "TASKS": _right(None if stats.tasks is None else str(stats.tasks)),
        "CPU PSI": _stalled(pressure.cpu if pressure else None),
        "MEM PSI": _stalled(pressure.memory if pressure else None),
        "IO PSI": _stalled(pressure.io if pressure else None),
    }


def _sums(stats: InstanceStats) -> dict[str, Cell | None]:
    cpu, io = stats.cpu, stats.block_io
    return {
        "CPU": _right(f"{cpu.seconds:.2f} s"),
        "USER": _right(None if cpu.user_seconds is None else f"{cpu.user_seconds:.2f} s"),
        "SYSTEM": _right(None if cpu.system_seconds is None else f"{cpu.system_seconds:.2f} s"),
        "READ": _right(shown_bytes(io.read_bytes if io else None)),
        "WRITTEN": _right(shown_bytes(io.written_bytes if io else None)),
        "RECEIVED": _right(shown_bytes(sum(nic.received_bytes for nic in stats.nics)) if stats.nics else None),
        "SENT": _right(shown_bytes(sum(nic.sent_bytes for nic in stats.nics)) if stats.nics else None),
    }


def _rates(rates: InstanceRates | None) -> dict[str, Cell | None]:
    return {
        "CPU": _percent(rates.cpu_percent if rates else None),
        "USER": _percent(rates.user_percent if rates else None),
        "SYSTEM": _percent(rates.system_percent if rates else None),
        "READ/s": _right(shown_bytes(rates.read_bytes_per_s if rates else None)),
        "WRITTEN/s": _right(shown_bytes(rates.written_bytes_per_s if rates else None)),
        "RECEIVED/s": _right(shown_bytes(rates.received_bytes_per_s if rates else None)),
        "SENT/s": _right(shown_bytes(rates.sent_bytes_per_s if rates else None)),
    }


def _stalled(pressure: Pressure | None) -> Cell | None:
    return None if pressure is None else _percent(pressure.some.avg10_percent)


def _percent(value: float | None) -> Cell | None:
    return _right(None if value is None else f"{value:.1f} %")


def _right(text: str | None, colour: str | None = None) -> Cell | None:
    return None if text is None else Cell(text, colour, right=True)
