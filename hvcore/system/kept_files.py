"""Kernel files that are read again and again, kept open between one look at all of them and the next."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from threading import Lock

from hvcore.system.kernel_files import read_text

__all__ = ["KeptFiles", "Look"]

_FIRST_BYTES = 4096
_MOST_BYTES = 65536
_SHARE_OF_LIMIT = 4


class KeptFiles:
    """Reads kernel files for a fraction of the price of opening each.

    A kept file answers for the object that it was opened on; when that is gone, the path is opened anew. Only files whose
    text is made at each read, and in one piece, may be read here: ``cgroup.procs`` of version 1 is none, for it repeats
    the list of a moment ago as long as somebody holds it open. At most a quarter of the descriptors that the process may
    have are kept.

    Source: Linux, kernel/cgroup/cgroup-v1.c, cgroup_pidlist_start.
    """

    def __init__(self) -> None:
        self._kept: dict[str, int] = {}
        self._looking = Lock()
        self._has_looked = False

    def __del__(self) -> None:
        _close(self._kept.values())

    @contextmanager
    def look(self) -> Generator[Look]:
        """Lend a reader for one look at many files; what it does not read is closed afterwards.

        While one thread looks, another gets a reader that keeps nothing.
        """
        if not self._looking.acquire(blocking=False):
            yield Look({}, 0)
            return
        # Keeping costs more than closing, and whoever looks once has nothing of it.
        look = Look(self._kept, os.sysconf("SC_OPEN_MAX") // _SHARE_OF_LIMIT if self._has_looked else 0)
        self._has_looked = True
        try:
            yield look
        finally:
            _close(look.before.values())
            self._kept = look.now
            self._looking.release()


class Look:
    """One look at many files.

    Args:
        before: what the last look kept; what this one reads again is taken out.
        room: how many files may be kept.
    """

    def __init__(self, before: dict[str, int], room: int) -> None:
        self.before = before
        self.now: dict[str, int] = {}
        self._room = room

    def read(self, path: str) -> str | None:
        """Return what a kernel file says now, or None when the object behind it is gone.

        Raises:
            OperationFailed: the file exists and cannot be read.
        """
        return self.read_kept(path) or self._read_new(path)

    def read_kept(self, path: str) -> str | None:
        """Return what a kernel file says, if it was kept by the last look and still stands for the same object."""
        descriptor = self.before.pop(path, None)
        if descriptor is None:
            return None
        text = _read(descriptor)
        if text is None:
            os.close(descriptor)
        else:
            self.now[path] = descriptor
        return text

    def _read_new(self, path: str) -> str | None:
        descriptor = _open(path)
        text = None if descriptor is None else _read(descriptor)
        if descriptor is None or text is None:
            if descriptor is not None:
                os.close(descriptor)
            # Whatever is wrong with it, reading it by its path says so.
            return read_text(path)
        # What has a size lies on a disk, where another file may take its name.
        if len(self.now) < self._room and path not in self.now and os.fstat(descriptor).st_size == 0:
            self.now[path] = descriptor
        else:
            os.close(descriptor)
        return text


def _open(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _read(descriptor: int) -> str | None:
    try:
        # Room for more than a value needs would cost more than the read itself.
        data = os.pread(descriptor, _FIRST_BYTES, 0)
        if len(data) == _FIRST_BYTES:
            data = os.pread(descriptor, _MOST_BYTES, 0)
    except OSError:
        return None
    return None if len(data) == _MOST_BYTES else data.decode("utf-8", "surrogateescape")


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
