"""The log of events: one per hypervisor, written by whoever acts on an instance, read by whoever watches.

``log`` holds the events of late, one JSON object per line, and ``log.1`` those before them; older ones are thrown away. The
first line of each says which instances were up before it, so that no file is needed to understand another.

Writers take turns by flock(2) on the directory, which the kernel frees when one is killed. What a killed writer has left of
a line is cut off by the next one. Readers take no lock: they read complete lines, and number and log tell them what they
have missed.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve, frozen

from hvcore.errors import StateFailed
from hvcore.model.event import EventKind, EventReason
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
from hvcore.system.kernel_files import read_text

__all__ = ["NEWEST", "OLDER", "EventLog", "News", "read_boot_id"]

NEWEST, OLDER = "log", "log.1"
"""The files of a log."""

_DRAFT = "log.new"
_MOST_BYTES = 128 * 1024


@frozen
class News:
    """What a writer has to tell of an instance.

    Attributes:
        kind: what has happened.
        reason: why, or None.
        status: the exit status or signal, or None.
        run: names the guest's run, or "".
    """

    kind: EventKind
    reason: EventReason | None = None
    status: int | None = None
    run: str = ""


Decide = Callable[[Record | None], Iterable[News]]
"""From the last event of an instance to what there is to tell."""


def read_boot_id() -> str:
    """Return what names this boot of the node.

    Source: random(4), /proc/sys/kernel/random/boot_id.
    """
    return (read_text("/proc/sys/kernel/random/boot_id") or "").strip()


class EventLog:
    """The events of one hypervisor's instances.

    Args:
        directory: where the files are; made when the first event is told.
        boot_id: names this boot of the node; "" asks the kernel.
        most_bytes: the size at which a file is put aside.
    """

    def __init__(self, directory: Path, boot_id: str = "", most_bytes: int = _MOST_BYTES) -> None:
        self.directory = directory
        self._boot_id = boot_id
        self._most_bytes = most_bytes

    def tell(self, instance: str, decide: Decide) -> None:
        """Append events of one instance.

        Args:
            instance: its name.
            decide: given its last event, None when it is not known to be up, returns what to append. Nobody else writes
                meanwhile, so of several who find out the same, one tells it.

        Raises:
            StateFailed: the log cannot be written.
        """
        with self._writing():
            data, header, number = self._ready()
            last = last_of(data, instance)
            news = tuple(decide(last if last and last.kind.is_up else None))
            lines = b"".join(render_record(record) for record in self._records(number, instance, news))
            if not lines:
                return
            if len(data) - data.find(b"\n") + len(lines) > self._most_bytes and number > header.first:
                _, up = sum_up(header, data)
                self._put_aside(evolve(header, first=number, instances=up), lines)
            else:
                self._append(lines)

    def last(self, instance: str) -> Record | None:
        """Return the last event of an instance; None when it is not known to be up."""
        record = last_of(self._read(), instance)
        return record if record and record.kind.is_up else None

    def up(self) -> dict[str, Record]:
        """Return the last event of every instance that is up; those of an earlier boot are told to have stopped first.

        Raises:
            StateFailed: the log cannot be written.
        """
        with self._writing():
            data, header, _ = self._ready()
            return sum_up(header, data)[1]

    def _records(self, number: int, instance: str, news: Iterable[News]) -> Iterable[Record]:
        now_s, pid = round(time.time(), 3), os.getpid()
        for offset, one in enumerate(news):
            yield Record(number + offset, now_s, instance, one.kind, one.reason, one.status, pid, one.run)

    def _ready(self) -> tuple[bytes, Header, int]:
        """Return the newest file, its header, and the number of the next event, after mending what has to be."""
        data, boot = self._read(), self._boot_id or read_boot_id()
        whole = data[: data.rfind(b"\n") + 1]
        header = parse_header(whole)
        if header is None:
            header = Header(os.urandom(8).hex(), boot, 1, {})
            self._put_aside(header, b"")
            return render_header(header), header, header.first
        if whole != data:
            os.truncate(self.directory / NEWEST, len(whole))
        if header.boot != boot:
            number, up = sum_up(header, whole)
            gone = News(EventKind.STOPPED, EventReason.NODE_REBOOT)
            records = [next(iter(self._records(number + i, name, [gone]))) for i, name in enumerate(up)]
            header = Header(header.log, boot, number, up)
            lines = b"".join(map(render_record, records))
            self._put_aside(header, lines)
            return render_header(header) + lines, header, number + len(records)
        return whole, header, _next_number(whole, header)

    def _put_aside(self, header: Header, lines: bytes) -> None:
        """Begin a new file; the one that was the newest becomes the older one. The newest is there at every moment."""
        draft, newest, older = (self.directory / name for name in (_DRAFT, NEWEST, OLDER))
        draft.unlink(missing_ok=True)
        self._write(draft, render_header(header) + lines, os.O_EXCL)
        if newest.exists():
            older.unlink(missing_ok=True)
            os.link(newest, older)
        draft.replace(newest)

    def _append(self, lines: bytes) -> None:
        self._write(self.directory / NEWEST, lines, os.O_APPEND)

    @staticmethod
    def _write(path: Path, data: bytes, flags: int) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, 0o640)
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)

    def _read(self) -> bytes:
        try:
            return (self.directory / NEWEST).read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise _failed("read", self.directory, error) from error

    @contextmanager
    def _writing(self) -> Generator[None]:
        import fcntl

        try:
            self.directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _failed("write", self.directory, error) from error


def _next_number(data: bytes, header: Header) -> int:
    """Return the number of the next event, from the last line where that is one."""
    begin = data.rfind(b"\n", 0, len(data) - 1) + 1
    last = next(records_in(data[begin:]), None) if begin else None
    return sum_up(header, data)[0] if last is None else last.number + 1


def _failed(verb: str, directory: Path, error: OSError) -> StateFailed:
    return StateFailed(
        f"cannot {verb} the event log in {directory}: {error.strerror or error}",
        resolution="check free space and permissions there, or set HVCORE_STATE_DIR to a directory you may write",
    )
