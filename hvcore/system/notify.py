"""The kernel's ways to wake a waiting process that Python does not offer: a changed directory, and a moment that has come."""

from __future__ import annotations

import errno
import math
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from hvcore.errors import OperationFailed

if TYPE_CHECKING:
    import ctypes

__all__ = ["add_directory", "drain", "open_notifier", "open_timer"]

_IN_MODIFY, _IN_MOVED_TO, _IN_CREATE, _IN_ONLYDIR = 0x2, 0x80, 0x100, 0x1000000
_DRAIN_BYTES = 64 * 1024
_NANOSECONDS = 10**9


def open_notifier() -> int:
    """Return a descriptor that becomes readable when a directory that was added to it changes.

    Raises:
        OperationFailed: this user has as many of them as he may.

    Source: inotify(7).
    """
    try:
        return _check(_library().inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        advice = "raise fs.inotify.max_user_instances with sysctl" if error.errno == errno.EMFILE else None
        raise OperationFailed(f"changes cannot be watched: {error.strerror}", resolution=advice) from error


def add_directory(notifier: int, directory: Path) -> None:
    """Let a notifier tell of files that are made, written or replaced in a directory.

    Raises:
        OperationFailed: it cannot be watched.

    Source: inotify_add_watch(2).
    """
    mask = _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE | _IN_ONLYDIR
    try:
        _check(_library().inotify_add_watch(notifier, os.fsencode(directory), mask))
    except OSError as error:
        advice = "raise fs.inotify.max_user_watches with sysctl" if error.errno == errno.ENOSPC else None
        raise OperationFailed(f"{directory} cannot be watched: {error.strerror}", resolution=advice) from error


def open_timer(seconds: float) -> int:
    """Return a descriptor that becomes readable when so many seconds have passed, suspended time included.

    Source: timerfd_create(2), CLOCK_BOOTTIME.
    """
    import time

    descriptor = _check(_library().timerfd_create(time.CLOCK_BOOTTIME, os.O_CLOEXEC | os.O_NONBLOCK))
    # Of no time at all, the kernel makes a timer that never ends.
    nanoseconds = max(math.ceil(seconds * _NANOSECONDS), 1)
    # struct itimerspec: interval and value, each in seconds and nanoseconds
    value = struct.pack("@llll", 0, 0, nanoseconds // _NANOSECONDS, nanoseconds % _NANOSECONDS)
    try:
        _check(_library().timerfd_settime(descriptor, 0, value, None))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def drain(descriptor: int) -> None:
    """Read everything that a non-blocking descriptor has, so that it is readable again only after something new."""
    try:
        while os.read(descriptor, _DRAIN_BYTES):
            pass
    except BlockingIOError:
        return


def _check(result: int) -> int:
    if result < 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _library() -> ctypes.CDLL:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)
