"""The event log: written by turns, read without a lock, bounded, and mended after a kill."""

from __future__ import annotations

import os
import signal
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hvcore.errors import InvalidInput, StateFailed
from hvcore.model.event import EventKind, EventReason, InstanceEvent
from hvcore.system.event_file import (
    Header,
    Record,
    last_of,
    parse_header,
    records_in,
    render_header,
    render_record,
    sum_up,
)
from hvcore.system.event_log import NEWEST, OLDER, EventLog, News
from hvcore.system.event_reader import EventReader
from hvcore.testing.children import Child

SMALL = 2000
STARTED, PAUSED, STOPPED = News(EventKind.STARTED), News(EventKind.PAUSED), News(EventKind.STOPPED, EventReason.CLEAN)

names = st.one_of(st.sampled_from(["web1", "web10", "db"]), st.text(string.printable, min_size=1, max_size=20))
records = st.builds(
    Record,
    number=st.integers(1, 10**9),
    time_s=st.floats(0, 1e10),
    instance=names,
    kind=st.sampled_from(EventKind),
    reason=st.none() | st.sampled_from(EventReason),
    status=st.none() | st.integers(0, 255),
    pid=st.integers(0, 2**22),
    run=st.text(max_size=10),
)


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / "events", "boot-1", SMALL)


@pytest.fixture
def reader(log: EventLog) -> Callable[..., EventReader]:
    return lambda after="": EventReader(log.directory, "toy", after)


def tell(log: EventLog, name: str, *news: News) -> None:
    log.tell(name, lambda _: news)


def told(events: list[InstanceEvent]) -> list[tuple[str, str]]:
    return [(event.instance, str(event.kind)) for event in events]


def all_of(reader: EventReader) -> list[InstanceEvent]:
    found: list[InstanceEvent] = []
    while events := reader.read():
        found += events
    return found


# The lines.


@given(st.lists(records))
def test_what_is_written_is_read(wanted: list[Record]) -> None:
    assert list(records_in(b"".join(map(render_record, wanted)))) == wanted


@given(st.dictionaries(names, records))
def test_a_header_is_read_as_it_was_written(up: dict[str, Record]) -> None:
    header = Header("abc", "boot", 7, {record.instance: record for record in up.values()})
    assert parse_header(render_header(header)) == header


@given(st.lists(st.one_of(st.binary(), st.from_regex(rb'\A\{"(number|log|up|kind)": ?[0-9a-z"\[\]{}]*\}\Z'))))
def test_no_content_breaks_the_reading(lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    assert all(isinstance(record, Record) for record in records_in(data))
    assert parse_header(data) is None or b"up" in data
    assert last_of(data, "web1") is None or b"web1" in data


@given(st.lists(records), names)
def test_the_last_event_is_found_without_reading_all(lines: list[Record], name: str) -> None:
    header = Header("a", "b", 1, {})
    data = render_header(header) + b"".join(map(render_record, lines))
    expected = [record for record in lines if record.instance == name]
    assert last_of(data, name) == (expected[-1] if expected else None)


# Writing.


def test_events_are_numbered_and_the_last_is_known(log: EventLog, reader: Any) -> None:
    assert log.last("web1") is None
    tell(log, "web1", News(EventKind.STARTING), STARTED)
    tell(log, "db", STARTED)
    tell(log, "web1", PAUSED)
    assert [record.number for record in log.up().values()] == [3, 4]
    last = log.last("web1")
    assert last is not None
    assert (last.number, last.kind, last.pid) == (4, EventKind.PAUSED, os.getpid())
    tell(log, "web1", STOPPED)
    assert log.last("web1") is None
    assert list(log.up()) == ["db"]
    assert told(reader().read()) == [
        ("web1", "starting"),
        ("web1", "started"),
        ("db", "started"),
        ("web1", "paused"),
        ("web1", "stopped"),
    ]


def test_who_decides_sees_what_others_told(log: EventLog) -> None:
    seen: list[Any] = []
    for news in ((STARTED,), (), (STOPPED,), ()):

        def decide(last: Record | None, news: Any = news) -> Any:
            seen.append(last and last.kind)
            return news

        log.tell("web1", decide)
    assert seen == [None, EventKind.STARTED, EventKind.STARTED, None]


def test_the_size_is_bounded_and_nobody_who_is_up_is_forgotten(log: EventLog) -> None:
    tell(log, "old", PAUSED)
    for _ in range(200):
        tell(log, "web1", STARTED)
        tell(log, "web1", STOPPED)
    files = sorted(os.listdir(log.directory))
    assert files == [NEWEST, OLDER]
    assert sum(os.path.getsize(log.directory / file) for file in files) < 3 * SMALL
    assert [record.kind for record in log.up().values()] == [EventKind.PAUSED]
    assert log.last("old") is not None
    newest = (log.directory / NEWEST).read_bytes()
    header = parse_header(newest)
    assert header is not None
    assert sum_up(header, newest)[0] == 402


@pytest.mark.parametrize("torn", [b'{"number": 99, "time"', b"\x00\xff"])
def test_what_a_killed_writer_left_of_a_line_is_cut_off(log: EventLog, reader: Any, torn: bytes) -> None:
    tell(log, "web1", STARTED)
    slow = reader()
    assert told(slow.read()) == [("web1", "started")]
    with (log.directory / NEWEST).open("ab") as file:
        file.write(torn)
    assert slow.read() == []
    tell(log, "web1", STOPPED)
    assert told(slow.read()) == [("web1", "stopped")]
    assert torn not in (log.directory / NEWEST).read_bytes()


@pytest.mark.parametrize("content", [b"", b"garbage\n", b'{"log": "x"}\n'])
def test_a_log_that_is_none_is_begun_anew(log: EventLog, reader: Any, content: bytes) -> None:
    log.directory.mkdir()
    (log.directory / NEWEST).write_bytes(content)
    tell(log, "web1", STARTED)
    assert told(reader().read()) == [("web1", "started")]


def test_after_a_reboot_everybody_who_was_up_has_stopped(log: EventLog, reader: Any) -> None:
    tell(log, "web1", STARTED)
    tell(log, "db", STARTED)
    tell(log, "gone", STARTED, STOPPED)
    watching = reader(None)
    next_boot = EventLog(log.directory, "boot-2", SMALL)
    assert next_boot.up() == {}
    found = watching.read()
    assert told(found) == [("web1", "stopped"), ("db", "stopped")]
    assert {event.reason for event in found} == {EventReason.NODE_REBOOT}
    assert next_boot.up() == {}
    assert watching.read() == []


def test_writers_take_turns(log: EventLog, reader: Any, in_child: Callable[[Callable[[], object]], Child]) -> None:
    big = EventLog(log.directory, "boot-1", 10**6)

    def write(name: str) -> Callable[[], None]:
        return lambda: [tell(big, name, STARTED, STOPPED) for _ in range(50)] and None

    children = [in_child(write(f"web{number}")) for number in range(4)]
    for child in children:
        child.wait()
    found = all_of(reader())
    assert len(found) == 4 * 50 * 2
    assert [event.cursor.rpartition("/")[2] for event in found] == [str(n) for n in range(1, 401)]


def test_a_writer_may_be_killed_at_any_moment(
    log: EventLog, reader: Any, in_child: Callable[[Callable[[], object]], Child]
) -> None:
    def write_for_ever() -> None:
        while True:
            tell(log, "web1", STARTED, STOPPED)

    watching = reader()
    for _ in range(15):
        child = in_child(write_for_ever)
        before = 0
        while before < 20:
            before += len(watching.read())
        os.kill(child.pid, signal.SIGKILL)
        child.kill()
        tell(log, "db", STARTED)
        tell(log, "db", STOPPED)
        rest = all_of(watching)
        assert told(rest)[-2:] == [("db", "started"), ("db", "stopped")]


def test_a_directory_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateFailed) as caught:
        tell(EventLog(tmp_path / "file" / "events"), "web1", STARTED)
    assert caught.value.resolution


# Reading.


def test_a_reader_begins_where_it_is_told_to(log: EventLog, reader: Any) -> None:
    tell(log, "web1", STARTED)
    late = reader(None)
    tell(log, "web1", PAUSED)
    tell(log, "web1", STOPPED)
    everything = reader().read()
    assert told(late.read()) == told(everything[1:])
    assert told(reader(everything[1].cursor).read()) == [("web1", "stopped")]
    assert reader(everything[2].cursor).read() == []


def test_a_reader_that_comes_before_the_log_misses_nothing(log: EventLog, reader: Any) -> None:
    early = reader(None)
    assert early.read() == []
    tell(log, "web1", STARTED)
    assert told(early.read()) == [("web1", "started")]


def test_a_reader_follows_from_file_to_file(log: EventLog, reader: Any) -> None:
    watching = reader()
    numbers: list[int] = []
    for _ in range(100):
        tell(log, "web1", STARTED, STOPPED)
        numbers += [int(event.cursor.rpartition("/")[2]) for event in watching.read()]
    assert numbers == list(range(1, 201))


def test_a_slow_reader_is_told_and_goes_on(log: EventLog, reader: Any) -> None:
    slow = reader(None)
    tell(log, "web1", STARTED)
    [first] = slow.read()
    for _ in range(100):
        tell(log, "web1", STOPPED)
        tell(log, "web1", STARTED)
    found = all_of(slow)
    kinds = [event.kind for event in found]
    assert kinds.count(EventKind.LOST) == 1
    lost = kinds.index(EventKind.LOST)
    assert found[lost].instance == ""
    after = [int(event.cursor.rpartition("/")[2]) for event in found[lost + 1 :]]
    assert after == list(range(after[0], 202))
    assert int(found[lost].cursor.rpartition("/")[2]) == after[0] - 1
    again = reader(first.cursor).read()
    assert again[0].kind is EventKind.LOST
    assert told(all_of(reader(found[-2].cursor))) == [("web1", "started")]


def test_a_cursor_of_a_log_that_is_gone_is_a_loss(log: EventLog, reader: Any) -> None:
    tell(log, "web1", STARTED)
    [event] = reader().read()
    slow = reader(event.cursor)
    for name in (NEWEST, OLDER):
        (log.directory / name).unlink(missing_ok=True)
    tell(log, "db", STARTED)
    for each in (slow, reader(event.cursor)):
        assert [str(kind) for _, kind in told(all_of(each))] == ["lost", "started"]


@pytest.mark.parametrize("cursor", ["x", "toy/abc", "other/abc/1", "toy/abc/x", "toy/abc/-1", "toy/a/b/1"])
def test_what_is_no_cursor_is_refused(reader: Any, cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        reader(cursor)
    assert caught.value.key == "after"


def test_missing_lines_are_a_loss(log: EventLog, reader: Any) -> None:
    tell(log, "web1", STARTED)
    tell(log, "web1", PAUSED)
    tell(log, "web1", STOPPED)
    path = log.directory / NEWEST
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:2], b"garbage", *lines[3:]]))
    assert [kind for _, kind in told(all_of(reader()))] == ["started", "lost", "stopped"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), max_size=25))
def test_whatever_the_pace_nothing_is_lost_unnoticed(tmp_path_factory: pytest.TempPathFactory, steps: Any) -> None:
    log = EventLog(tmp_path_factory.mktemp("log"), "boot-1", SMALL)
    slow = EventReader(log.directory, "toy", "")
    tell(log, "web1", STOPPED)
    assert len(slow.read()) == 1
    expected, number = 2, 1
    for writes, reads in [*steps, (1, 10**6)]:
        for _ in range(writes):
            number += 1
            tell(log, "web1", STARTED if number % 2 else STOPPED)
        for _ in range(reads):
            events = slow.read()
            if not events:
                break
            for event in events:
                at = int(event.cursor.rpartition("/")[2])
                assert at >= expected if event.kind is EventKind.LOST else at == expected
                expected = at + 1
    assert expected == number + 1
    slow.close()
