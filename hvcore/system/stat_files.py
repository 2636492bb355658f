"""The formats in which the kernel writes statistics, as pure functions of a file's text.

A line that is not of the format is passed over: kernels add keys and columns, and none of them may keep the others from
being read.
"""

from __future__ import annotations

from collections.abc import Mapping

from hvcore.model.stats import BlockIoStats, NicStats, Pressure, Stall

__all__ = [
    "parse_blkio",
    "parse_flat",
    "parse_io_stat",
    "parse_limit",
    "parse_net_dev",
    "parse_number",
    "parse_pressure",
]

_NO_LIMIT = 1 << 62
_NET_COLUMNS = 16


def parse_number(text: str | None) -> int | None:
    """Return the one number that a file holds; None where there is none."""
    word = (text or "").strip()
    return int(word) if word.isascii() and word.isdigit() else None


def parse_limit(text: str | None) -> int | None:
    """Return the limit that a file holds; None where it says ``max``, or the number by which version 1 means that."""
    number = parse_number(text)
    return None if number is None or number >= _NO_LIMIT else number


def parse_flat(text: str | None) -> dict[str, int]:
    """Return the keys and numbers of lines such as ``usage_usec 42``.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst, "Flat keyed".
    """
    found: dict[str, int] = {}
    for line in (text or "").split("\n"):
        key, _, value = line.partition(" ")
        number = parse_number(value)
        if key and number is not None:
            found[key] = number
    return found


def parse_io_stat(text: str | None) -> BlockIoStats | None:
    """Return the sums of a version 2 ``io.stat``; None where there is no such file.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst, "io.stat": ``8:0 rbytes=1 wbytes=2 rios=3 wios=4 ...``.
    """
    if text is None:
        return None
    sums = dict.fromkeys(("rbytes", "wbytes", "rios", "wios"), 0)
    for word in text.split():
        key, _, value = word.partition("=")
        if key in sums:
            sums[key] += parse_number(value) or 0
    return BlockIoStats(*sums.values())


def parse_blkio(service_bytes: str | None, serviced: str | None) -> BlockIoStats | None:
    """Return the sums of a version 1 ``io_service_bytes`` and ``io_serviced``; None where either is not there.

    Source: Linux, Documentation/admin-guide/cgroup-v1/blkio-controller.rst: ``8:0 Read 1``, ``8:0 Write 2`` and so on.
    """
    if service_bytes is None or serviced is None:
        return None
    size, count = _by_direction(service_bytes), _by_direction(serviced)
    return BlockIoStats(size["Read"], size["Write"], count["Read"], count["Write"])


def parse_pressure(text: str | None) -> Pressure | None:
    """Return what a pressure file says; None where there is none, or it has no ``some`` line.

    Source: Linux, Documentation/accounting/psi.rst: ``some avg10=0.00 avg60=0.00 avg300=0.00 total=0`` (microseconds).
    """
    stalls: dict[str, Stall] = {}
    for line in (text or "").split("\n"):
        kind, _, rest = line.partition(" ")
        values = {key: value for key, _, value in (word.partition("=") for word in rest.split())}
        total = parse_number(values.get("total"))
        ten, sixty, five_minutes = (_percent(values.get(key)) for key in ("avg10", "avg60", "avg300"))
        if total is not None and ten is not None and sixty is not None and five_minutes is not None:
            stalls[kind] = Stall(ten, sixty, five_minutes, total / 1e6)
    return Pressure(stalls["some"], stalls.get("full")) if "some" in stalls else None


def parse_net_dev(text: str | None) -> Mapping[str, NicStats]:
    """Return the counters of every device, turned round: what the node's end of a pair sends, the guest receives.

    Source: Linux, net/core/net-procfs.c: after the name and a colon the columns bytes, packets, errs, drop, fifo, frame,
    compressed and multicast of what the device received, then bytes, packets, errs, drop, ... of what it sent.
    """
    found: dict[str, NicStats] = {}
    for line in (text or "").split("\n"):
        name, _, rest = line.rpartition(":")
        columns = [parse_number(word) for word in rest.split()]
        if name.strip() and len(columns) >= _NET_COLUMNS and None not in columns:
            numbers = [column or 0 for column in columns]
            found[name.strip()] = NicStats(name.strip(), *numbers[8:12], *numbers[:4])
    return found


def _by_direction(text: str) -> dict[str, int]:
    sums = {"Read": 0, "Write": 0}
    for line in text.split("\n"):
        words = line.split()
        # The last line is the total of all devices, which has two words.
        if len(words) == 3 and words[1] in sums:
            sums[words[1]] += parse_number(words[2]) or 0
    return sums


def _percent(text: str | None) -> float | None:
    whole, _, part = (text or "").partition(".")
    is_number = (whole + part).isascii() and whole.isdigit() and (part.isdigit() or not part)
    return float(f"{whole}.{part or 0}") if is_number else None
