"""The formats of the kernel's statistics."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from hvcore.model.stats import BlockIoStats, NicStats, Pressure, Stall
from hvcore.system.stat_files import (
    parse_blkio,
    parse_flat,
    parse_io_stat,
    parse_limit,
    parse_net_dev,
    parse_number,
    parse_pressure,
)

PRESSURE = """\
some avg10=1.50 avg60=0.25 avg300=0.05 total=2500000
full avg10=0.00 avg60=0.00 avg300=0.00 total=1000
"""
NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    6386      58    0    0    0     0          0         0     6386      58    0    0    0     0       0          0
hv123-0: 10 11 12 13 0 0 0 0 20 21 22 23 0 0 0 0
 short: 7 1 2 3 0 0 0 0 1 2 3 4 0 0 0
"""
counts = st.integers(0, 2**63)
keys = st.text(string.ascii_lowercase + "_", min_size=1, max_size=20)
devices = st.from_regex(r"\A[0-9]{1,3}:[0-9]{1,3}\Z")


def test_numbers_and_limits() -> None:
    assert parse_number("42\n") == 42
    assert parse_number("max\n") is parse_number(None) is parse_number("-1\n") is parse_number("²") is None
    assert parse_limit("9223372036854771712\n") is parse_limit("max\n") is None
    assert parse_limit("0") == 0


@given(st.dictionaries(keys, counts))
def test_flat_files(values: dict[str, int]) -> None:
    assert parse_flat("".join(f"{key} {value}\n" for key, value in values.items())) == values


def test_a_flat_files_strange_lines_are_passed_over() -> None:
    assert parse_flat("a 1\nb\nc x\n 3\nd -1\ne 2 3\nf 4\n") == {"a": 1, "f": 4}


@given(st.dictionaries(devices, st.tuples(counts, counts, counts, counts)))
def test_io_stat_is_summed_over_devices(values: dict[str, tuple[int, int, int, int]]) -> None:
    text = "".join(
        f"{device} rbytes={r} wbytes={w} rios={ri} wios={wi} dbytes=7 dios=8\n"
        for device, (r, w, ri, wi) in values.items()
    )
    sums = [sum(column) for column in zip(*values.values(), strict=True)] or [0, 0, 0, 0]
    assert parse_io_stat(text) == BlockIoStats(*sums)


def test_blkio_is_summed_over_devices() -> None:
    service = "8:0 Read 10\n8:0 Write 20\n8:0 Sync 5\n8:0 Total 30\n8:16 Read 1\n8:16 Write 2\nTotal 33\n"
    serviced = "8:0 Read 3\n8:0 Write 4\nTotal 7\n"
    assert parse_blkio(service, serviced) == BlockIoStats(11, 22, 3, 4)
    assert parse_blkio("Total 0\n", "Total 0\n") == BlockIoStats(0, 0, 0, 0)
    assert parse_blkio(None, serviced) is parse_blkio(service, None) is parse_io_stat(None) is None


def test_pressure() -> None:
    assert parse_pressure(PRESSURE) == Pressure(Stall(1.5, 0.25, 0.05, 2.5), Stall(0.0, 0.0, 0.0, 0.001))
    # Before Linux 5.13, CPU pressure has no full line.
    assert parse_pressure(PRESSURE.split("\n", maxsplit=1)[0]) == Pressure(Stall(1.5, 0.25, 0.05, 2.5), None)
    assert parse_pressure(None) is parse_pressure("") is parse_pressure("some avg10=x total=1") is None


def test_net_dev_is_seen_from_the_guest() -> None:
    found = parse_net_dev(NET_DEV)
    assert list(found) == ["lo", "hv123-0"]
    assert found["hv123-0"] == NicStats("hv123-0", 20, 21, 22, 23, 10, 11, 12, 13)


lines = st.lists(
    st.one_of(
        st.text(),
        st.from_regex(r"\A[a-z0-9:_ .=-]*\Z"),
        st.sampled_from([*PRESSURE.split("\n"), *NET_DEV.split("\n"), "8:0 Read 1", "8:0 rbytes=1 wios=", "Total"]),
    )
).map("\n".join)


@given(lines)
def test_no_text_breaks_a_parser(text: str) -> None:
    assert all(value >= 0 for value in parse_flat(text).values())
    assert parse_io_stat(text) is not None
    assert parse_blkio(text, text) is not None
    pressure = parse_pressure(text)
    assert pressure is None or pressure.some.seconds >= 0
    assert all(name == nic.device for name, nic in parse_net_dev(text).items())
    assert (parse_limit(text) or 0) <= (parse_number(text) or 0)
