"""The lines of an event log: how they are written, read, and summed up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from attrs import frozen

from hvcore.model.event import EventKind, EventReason

__all__ = ["Header", "Record", "last_of", "parse_header", "records_in", "render_header", "render_record", "sum_up"]


@frozen
class Record:
    """One event as it is written.

    Attributes:
        number: its number; each is one more than the one before it.
        time_s: when it was told, in seconds since 1970.
        instance: the instance's name.
        kind: what has happened.
        reason: why, or None.
        status: the exit status or signal, or None.
        pid: the process that told it.
        run: names the guest's run, where the watcher that told of it knows, else "".
    """

    number: int
    time_s: float
    instance: str
    kind: EventKind
    reason: EventReason | None = None
    status: int | None = None
    pid: int = 0
    run: str = ""


@frozen
class Header:
    """The first line of a log.

    Attributes:
        log: names the log, in all its files.
        boot: the boot of the node in which it is written.
        first: the number of the first event behind the header.
        instances: the last event of each instance that was up before that one.
    """

    log: str
    boot: str
    first: int
    instances: dict[str, Record]


def render_record(record: Record) -> bytes:
    """Return the line of an event."""
    import json

    return json.dumps(_fields(record)).encode() + b"\n"


def render_header(header: Header) -> bytes:
    """Return the first line of a log."""
    import json

    up = [_fields(record) for record in header.instances.values()]
    return json.dumps({"log": header.log, "boot": header.boot, "first": header.first, "up": up}).encode() + b"\n"


def parse_header(data: bytes) -> Header | None:
    """Return what the first line says, or None when it is none of a log."""
    line, newline, _ = data.partition(b"\n")
    value = _load(line) if newline else None
    try:
        up = [_record(fields) for fields in (value or {})["up"]]
        instances = {record.instance: record for record in up if record is not None}
        return Header(str((value or {})["log"]), str((value or {})["boot"]), int((value or {})["first"]), instances)
    except (KeyError, TypeError, ValueError):
        return None


def records_in(data: bytes) -> Iterator[Record]:
    """Yield the events of complete lines; a line that is no event is passed over."""
    for line in data.split(b"\n")[:-1]:
        record = _record(_load(line))
        if record is not None:
            yield record


def last_of(data: bytes, instance: str) -> Record | None:
    """Return the last event of one instance in a whole log, its header included, without reading all lines."""
    import json

    mark = f'"instance": {json.dumps(instance)}'.encode()
    end = len(data)
    while (at := data.rfind(mark, 0, end)) >= 0:
        begin, finish = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
        if not begin:
            header = parse_header(data)
            return header.instances.get(instance) if header else None
        record = _record(_load(data[begin:finish])) if finish >= 0 else None
        if record is not None and record.instance == instance:
            return record
        end = begin
    return None


def sum_up(header: Header, data: bytes) -> tuple[int, dict[str, Record]]:
    """Return the number of the next event, and the last event of each instance that is up at the end of a log."""
    following, up = header.first, dict(header.instances)
    for record in records_in(data):
        following = record.number + 1
        up.pop(record.instance, None)
        if record.kind.is_up:
            up[record.instance] = record
    return following, up


def _fields(record: Record) -> dict[str, Any]:
    return {
        "number": record.number,
        "time": record.time_s,
        "instance": record.instance,
        "kind": str(record.kind),
        **({"reason": str(record.reason)} if record.reason else {}),
        **({"status": record.status} if record.status is not None else {}),
        "pid": record.pid,
        **({"run": record.run} if record.run else {}),
    }


def _load(line: bytes) -> dict[str, Any] | None:
    import json

    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _record(fields: dict[str, Any] | None) -> Record | None:
    if fields is None:
        return None
    try:
        reason, status = fields.get("reason"), fields.get("status")
        return Record(
            number=int(fields["number"]),
            time_s=float(fields["time"]),
            instance=str(fields["instance"]),
            kind=EventKind(fields["kind"]),
            reason=None if reason is None else EventReason(reason),
            status=None if status is None else int(status),
            pid=int(fields["pid"]),
            run=str(fields.get("run", "")),
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None
