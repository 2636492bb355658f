"""Hold, watch and signal processes by descriptors, which a recycled process id cannot fool."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterable

from hvcore.errors import OperationFailed
from hvcore.system.kernel_files import read_text

__all__ = [
    "namespace_pid",
    "namespace_pids",
    "open_pidfd",
    "process_name",
    "process_start_time",
    "send_signal",
    "wait_pidfds",
]

_LONGEST_POLL_MS = 2**31 - 1


def open_pidfd(pid: int) -> int | None:
    """Open a descriptor that stands for one process; the caller closes it.

    Returns:
        The descriptor, or None when there is no such process.

    Raises:
        OperationFailed: the kernel refused, for instance because this process has too many open files.
    """
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    except OSError as error:
        raise OperationFailed(f"process {pid} cannot be watched: {error.strerror}") from error


def wait_pidfds(pidfds: Iterable[int], timeout_s: float | None) -> tuple[int, ...]:
    """Wait until at least one of some processes has ended.

    Args:
        pidfds: descriptors of processes.
        timeout_s: seconds to wait at most; 0 only looks; None waits for ever.

    Returns:
        The descriptors whose process has ended, in the order given; empty when the time is up or none was given.

    Raises:
        OperationFailed: one of them is no open descriptor.
    """
    import select

    wanted = tuple(pidfds)
    if not wanted:
        return ()
    poller = select.poll()
    for descriptor in wanted:
        poller.register(descriptor, select.POLLIN)
    # Rounded up: waiting a moment less than asked would end a caller's loop in a busy spin.
    timeout_ms = None if timeout_s is None else min(math.ceil(max(timeout_s, 0) * 1000), _LONGEST_POLL_MS)
    events = dict(poller.poll(timeout_ms))
    closed = [descriptor for descriptor, event in events.items() if event & select.POLLNVAL]
    if closed:
        raise OperationFailed(f"descriptor {closed[0]} is not open, so its process cannot be watched")
    return tuple(descriptor for descriptor in wanted if descriptor in events)


def send_signal(pidfd: int, signal_number: int) -> bool:
    """Send a signal to the process behind a descriptor.

    Returns:
        Whether it was delivered; False when the process has ended.

    Raises:
        OperationFailed: the kernel refused to deliver it.
    """
    import signal

    try:
        signal.pidfd_send_signal(pidfd, signal_number)
    except ProcessLookupError:
        return False
    except OSError as error:
        advice = "run as root" if error.errno == errno.EPERM else None
        raise OperationFailed(f"signal {signal_number} cannot be sent: {error.strerror}", resolution=advice) from error
    return True


def process_start_time(pid: int) -> int | None:
    """Return when a process started; with its id this names one process of this boot for good.

    Returns:
        Clock ticks since the machine booted, or None when there is no such process.

    Source: proc(5), /proc/pid/stat, field 22 (starttime).
    """
    stat = read_text(f"/proc/{pid}/stat")
    if not stat:
        return None
    # Field 2 is the name in parentheses, and the name may hold spaces and parentheses of its own.
    return int(stat[stat.rindex(")") + 2 :].split(" ")[19])


def process_name(pid: int) -> str | None:
    """Return the short name of a process (at most 15 bytes), or None when there is no such process."""
    name = read_text(f"/proc/{pid}/comm")
    return name.removesuffix("\n") if name else None


def namespace_pid(pid: int) -> int | None:
    """Return the id that a process has in its own pid namespace.

    Args:
        pid: its id in the caller's namespace.

    Returns:
        The innermost id (1 for a container's init), or None when there is no such process.

    Source: proc(5), /proc/pid/status, NSpid.
    """
    numbers = namespace_pids(pid)
    return numbers[-1] if numbers else None


def namespace_pids(pid: int) -> tuple[int, ...]:
    """Return the ids that a process has, from the caller's pid namespace down to its own.

    Args:
        pid: its id in the caller's namespace.

    Returns:
        The ids; empty when there is no such process.

    Source: proc(5), /proc/pid/status, NSpid.
    """
    text = read_text(f"/proc/{pid}/status") or ""
    at = text.find("\nNSpid:")
    if at < 0:
        return ()
    return tuple(map(int, text[at + len("\nNSpid:") : text.index("\n", at + 1)].split()))
