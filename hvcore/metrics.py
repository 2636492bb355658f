"""Statistics for Prometheus, through ``prometheus_client``: ``pip install 'hvcore[prometheus]'``.

``page`` makes the text of one page. A program that serves pages itself registers a collector, which measures anew for each::

    from prometheus_client import REGISTRY
    REGISTRY.register(hvcore.metrics.StatsCollector(hvcore.load()))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import frozen

from hvcore.errors import HypervisorError, MissingRequirement

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from hvcore.host import Host
    from hvcore.model.stats import InstanceStats, Pressure

__all__ = ["StatsCollector", "page"]

_LABELS = ("hypervisor", "name")
_Sample = tuple[tuple[str, ...], float | None]


@frozen
class _Family:
    """One metric: its name, what it is, and its samples of an instance, each with the labels that it adds.

    A name that ends in ``_total`` is a counter, every other one a gauge.
    """

    name: str
    help: str
    samples: Callable[[InstanceStats], Iterable[_Sample]]
    labels: tuple[str, ...] = ()


class StatsCollector:
    """Gives a registry of ``prometheus_client`` the statistics of every instance of a host, measured when it asks.

    Args:
        host: the host. A hypervisor that cannot answer is left out, and counted in ``hvcore_unanswered``.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: what there is depends on the moment."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Measure, and yield the metrics."""
        found: list[InstanceStats] = []
        unanswered = 0
        for name in self._host.hypervisor_names:
            try:
                found += self._host.hypervisor(name).all_instances_stats()
            except HypervisorError:
                unanswered += 1
        yield from _metrics(found)
        from prometheus_client.core import GaugeMetricFamily

        yield GaugeMetricFamily("hvcore_unanswered", "Hypervisors that could not say what runs", value=unanswered)


def page(instances: Iterable[InstanceStats]) -> bytes:
    """Return the ``text/plain`` page of statistics.

    Args:
        instances: the statistics.

    Raises:
        MissingRequirement: prometheus_client is not installed.
    """
    try:
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.registry import Collector
    except ImportError as error:
        raise MissingRequirement(
            "a page for Prometheus needs prometheus_client", resolution="pip install 'hvcore[prometheus]'"
        ) from error
    measured = tuple(instances)

    class Measured(Collector):
        def collect(self) -> Iterator[Metric]:
            return _metrics(measured)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Measured())
    return generate_latest(registry)


def _metrics(instances: Iterable[InstanceStats]) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    measured = tuple(instances)
    for family in _FAMILIES:
        kind = CounterMetricFamily if family.name.endswith("_total") else GaugeMetricFamily
        metric = kind(family.name, family.help, labels=(*_LABELS, *family.labels))
        for stats in measured:
            for labels, value in family.samples(stats):
                if value is not None:
                    metric.add_metric((stats.hypervisor, stats.name, *labels), value)
        if metric.samples:
            yield metric


def _one(field: Callable[[InstanceStats], float | None]) -> Callable[[InstanceStats], Iterable[_Sample]]:
    return lambda stats: [((), field(stats))]


def _cpu(stats: InstanceStats) -> Iterable[_Sample]:
    cpu = stats.cpu
    if cpu.user_seconds is None or cpu.system_seconds is None:
        return [(("all",), cpu.seconds)]
    return [(("user",), cpu.user_seconds), (("system",), cpu.system_seconds)]


def _memory(stats: InstanceStats) -> Iterable[_Sample]:
    memory = stats.memory
    return [(("anon",), memory.anon_bytes), (("file",), memory.file_bytes), (("kernel",), memory.kernel_bytes)]


def _block(read: str, written: str) -> Callable[[InstanceStats], Iterable[_Sample]]:
    return lambda stats: [
        (("read",), getattr(stats.block_io, read, None)),
        (("write",), getattr(stats.block_io, written, None)),
    ]


def _network(what: str) -> Callable[[InstanceStats], Iterable[_Sample]]:
    return lambda stats: [
        ((nic.device, direction), getattr(nic, f"{word}_{what}"))
        for nic in stats.nics
        for direction, word in (("receive", "received"), ("transmit", "sent"))
    ]


def _stalled(stats: InstanceStats) -> Iterable[_Sample]:
    pressure = stats.pressure
    resources: dict[str, Pressure | None] = (
        {"cpu": pressure.cpu, "memory": pressure.memory, "io": pressure.io} if pressure else {}
    )
    for resource, each in resources.items():
        if each:
            yield (resource, "some"), each.some.seconds
            yield (resource, "full"), each.full.seconds if each.full else None


_DIRECTION = ("direction",)
_FAMILIES = (
    _Family("hvcore_instance_up", "1 for each instance that runs or is paused", _one(lambda _: 1)),
    _Family("hvcore_instance_paused", "1 where it is paused", _one(lambda s: str(s.state) == "paused")),
    _Family("hvcore_instance_cpu_seconds_total", "CPU time", _cpu, ("mode",)),
    _Family("hvcore_instance_cpu_periods_total", "Periods of CPU bandwidth", _one(lambda s: s.cpu.periods)),
    _Family("hvcore_instance_cpu_throttled_periods_total", "Those throttled", _one(lambda s: s.cpu.throttled_periods)),
    _Family("hvcore_instance_cpu_throttled_seconds_total", "Time throttled", _one(lambda s: s.cpu.throttled_seconds)),
    _Family("hvcore_instance_memory_used_bytes", "Memory, cache included", _one(lambda s: s.memory.used_bytes)),
    _Family("hvcore_instance_memory_bytes", "Memory by kind", _memory, ("kind",)),
    _Family("hvcore_instance_memory_limit_bytes", "Most memory", _one(lambda s: s.memory.limit_bytes)),
    _Family("hvcore_instance_swap_used_bytes", "Swap", _one(lambda s: s.memory.swap_used_bytes)),
    _Family("hvcore_instance_swap_limit_bytes", "Most swap", _one(lambda s: s.memory.swap_limit_bytes)),
    _Family(
        "hvcore_instance_oom_kills_total", "Processes killed for want of memory", _one(lambda s: s.memory.oom_kills)
    ),
    _Family("hvcore_instance_block_bytes_total", "Block devices", _block("read_bytes", "written_bytes"), _DIRECTION),
    _Family("hvcore_instance_block_operations_total", "Block devices", _block("reads", "writes"), _DIRECTION),
    *(
        _Family(
            f"hvcore_instance_network_{what}_total",
            f"Network {what}, as the guest sees them",
            _network(what),
            ("device", *_DIRECTION),
        )
        for what in ("bytes", "packets", "errors", "dropped")
    ),
    _Family("hvcore_instance_tasks", "Processes and threads", _one(lambda s: s.tasks)),
    _Family("hvcore_instance_tasks_limit", "Most tasks", _one(lambda s: s.tasks_limit)),
    _Family("hvcore_instance_pressure_seconds_total", "Time stalled for want of it", _stalled, ("resource", "tasks")),
)
