"""The machine's time, by which a fake guest's own time runs."""

from __future__ import annotations

import time

from attrs import frozen

from hvcore.system.kernel_files import read_text

__all__ = ["Clock", "read_clock"]


@frozen
class Clock:
    """One moment.

    Attributes:
        seconds: since the machine booted, suspended time included; no administrator can set it back.
        boot_id: names this boot of the machine.
    """

    seconds: float
    boot_id: str


def read_clock() -> Clock:
    """Return the present moment.

    Source: clock_gettime(2), CLOCK_BOOTTIME; random(4), /proc/sys/kernel/random/boot_id.
    """
    boot_id = (read_text("/proc/sys/kernel/random/boot_id") or "").strip()
    return Clock(time.clock_gettime(time.CLOCK_BOOTTIME), boot_id)
