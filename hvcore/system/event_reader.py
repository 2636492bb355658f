"""Reading an event log from a place in it, without a lock and without losing anything unnoticed."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import frozen

from hvcore.errors import InvalidInput, StateFailed
from hvcore.model.event import EventKind, InstanceEvent
from hvcore.system.event_file import Header, Record, parse_header, records_in, sum_up
from hvcore.system.event_log import NEWEST, OLDER

__all__ = ["EventReader"]

_CHUNK_BYTES = 64 * 1024


@frozen
class _Place:
    """Where a reader is: the log, "" before there is one, and the number of the event that comes next."""

    log: str
    number: int


@frozen
class _File:
    """An open file of a log: its descriptor, its header, and where the events begin."""

    descriptor: int
    header: Header
    offset: int


class EventReader:
    """Reads events in order.

    It holds one file open, and reads on from the file that follows. Where that is not there any more, events were lost.

    Args:
        directory: where the log is.
        hypervisor: whose log it is.
        after: the cursor of the event to begin after; "" begins with the oldest that is kept, None with the next one.

    Raises:
        InvalidInput: the cursor is none.
        StateFailed: the log cannot be read.
    """

    def __init__(self, directory: Path, hypervisor: str, after: str | None = None) -> None:
        self._directory = directory
        self._hypervisor = hypervisor
        self._descriptor = -1
        self._offset = 0
        self._place: _Place | None = None
        if after is None:
            # Of a log that is not there yet, the first event is the next one.
            self._place = self._end() or _Place("", 1)
        elif after:
            self._place = self._parse(after)

    def read(self) -> list[InstanceEvent]:
        """Return the events that there are, a bounded number of them; none when nothing new has happened."""
        exhausted: os.stat_result | None = None
        while True:
            if self._descriptor < 0:
                lost = self._open(exhausted)
                if self._descriptor < 0:
                    return []
                if lost:
                    return [lost]
            events = self._read_on()
            if events or self._is_newest():
                return events
            # Nobody writes to it any more, so one more look sees its end.
            if events := self._read_on():
                return events
            exhausted = os.fstat(self._descriptor)
            self.close()

    def close(self) -> None:
        """Close the file; reading opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._offset = -1, 0

    def _read_on(self) -> list[InstanceEvent]:
        found: list[InstanceEvent] = []
        while not found:
            data = os.pread(self._descriptor, _CHUNK_BYTES, self._offset)
            whole = data[: data.rfind(b"\n") + 1]
            if not whole:
                return []
            self._offset += len(whole)
            for record in records_in(whole):
                if self._place and record.number >= self._place.number:
                    if record.number > self._place.number:
                        found.append(self._lost(record.number - 1))
                    self._place = _Place(self._place.log, record.number + 1)
                    found.append(self._event(record))
        return found

    def _open(self, exhausted: os.stat_result | None) -> InstanceEvent | None:
        """Open the file with the next event, if there is one; returns what was lost."""
        files = [file for file in map(self._opened, (NEWEST, OLDER)) if file is not None]
        wanted: _File | None = None
        for file in files:
            if exhausted and os.path.samestat(os.fstat(file.descriptor), exhausted):
                continue
            if self._place and _is_in(self._place, file.header):
                wanted = file
                break
            # The older one is of use only where the newer one goes on from it.
            if wanted is None or file.header.log == wanted.header.log:
                wanted = file
        for file in files:
            if file is not wanted:
                os.close(file.descriptor)
        if wanted is None:
            return None
        self._descriptor, self._offset = wanted.descriptor, wanted.offset
        place, header = self._place, wanted.header
        if place and _is_in(place, header):
            self._place = _Place(header.log, place.number)
            return None
        self._place = _Place(header.log, header.first)
        return self._lost(header.first - 1) if place else None

    def _opened(self, name: str) -> _File | None:
        try:
            descriptor = os.open(self._directory / name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(self._directory, error) from error
        line = _first_line(descriptor)
        header = parse_header(line)
        if header is None:
            os.close(descriptor)
            return None
        return _File(descriptor, header, len(line))

    def _is_newest(self) -> bool:
        try:
            newest = os.stat(self._directory / NEWEST)
        except FileNotFoundError:
            return True
        return os.path.samestat(newest, os.fstat(self._descriptor))

    def _end(self) -> _Place | None:
        file = self._opened(NEWEST)
        if file is None:
            return None
        try:
            data = os.pread(file.descriptor, os.fstat(file.descriptor).st_size, 0)
            return _Place(file.header.log, sum_up(file.header, data)[0])
        finally:
            os.close(file.descriptor)

    def _parse(self, cursor: str) -> _Place:
        parts = cursor.split("/")
        if len(parts) != 3 or parts[0] != self._hypervisor or not (parts[2].isascii() and parts[2].isdigit()):
            raise InvalidInput(
                f"{cursor!r} is no cursor of an event of {self._hypervisor}",
                key="after",
                value=cursor,
                allowed="the cursor of an event",
            )
        return _Place(parts[1], int(parts[2]) + 1)

    def _event(self, record: Record) -> InstanceEvent:
        return InstanceEvent(
            cursor=self._cursor(record.number),
            time_s=record.time_s,
            hypervisor=self._hypervisor,
            instance=record.instance,
            kind=record.kind,
            reason=record.reason,
            status=record.status,
            pid=record.pid,
        )

    def _lost(self, number: int) -> InstanceEvent:
        import time

        return InstanceEvent(self._cursor(number), round(time.time(), 3), self._hypervisor, "", EventKind.LOST)

    def _cursor(self, number: int) -> str:
        return f"{self._hypervisor}/{self._place.log if self._place else ''}/{number}"


def _is_in(place: _Place, header: Header) -> bool:
    """Tell whether the event at a place is behind a header: in that file, or in one that follows it."""
    return place.log in {"", header.log} and header.first <= place.number


def _first_line(descriptor: int) -> bytes:
    data = b""
    while b"\n" not in data and (chunk := os.pread(descriptor, _CHUNK_BYTES, len(data))):
        data += chunk
    return data[: data.find(b"\n") + 1]


def _failed(directory: Path, error: OSError) -> StateFailed:
    return StateFailed(
        f"cannot read the event log in {directory}: {error.strerror}",
        resolution="run as root, or set HVCORE_STATE_DIR to a directory you may read",
    )
