"""Whom the kernel has killed for want of memory, in its own words."""

from __future__ import annotations

import errno
import os
import re

__all__ = ["was_killed_for_memory"]

_RECORD_BYTES = 8192
_KILLED = re.compile(r"[Oo]ut of memory.*: Killed process ([0-9]+) ")


def was_killed_for_memory(pid: int, since_s: float = 0.0, kmsg: str = "/dev/kmsg") -> bool:
    """Tell whether the kernel says that it has killed a process because memory ran out.

    Args:
        pid: the process, in the pid namespace of the node's first process.
        since_s: words from before this time, in seconds since the boot, are about another process with that number.
        kmsg: the kernel's log.

    Returns:
        Whether it says so; False where its log cannot be read, as by an ordinary user.

    Source: Linux, Documentation/ABI/testing/dev-kmsg; ``mm/oom_kill.c``, __oom_kill_process.
    """
    try:
        descriptor = os.open(kmsg, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        while True:
            try:
                record = os.read(descriptor, _RECORD_BYTES)
            except BlockingIOError:
                return False
            except OSError as error:
                # Records were overwritten while they were read; the next read goes on behind them.
                if error.errno == errno.EPIPE:
                    continue
                return False
            if not record:
                return False
            if _tells(record.decode("utf-8", "replace"), pid, since_s):
                return True
    finally:
        os.close(descriptor)


def _tells(text: str, pid: int, since_s: float) -> bool:
    for line in text.split("\n"):
        head, _, words = line.partition(";")
        fields = head.split(",")
        match = _KILLED.search(words)
        if match and int(match[1]) == pid and len(fields) > 2 and fields[2].isdigit():
            return int(fields[2]) / 1e6 >= since_s
    return False
