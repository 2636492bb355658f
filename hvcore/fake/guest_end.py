"""Fake guests that end by themselves: those that shut down later than the stop would wait, and those that lost power."""

from __future__ import annotations

import os

from hvcore.fake.clock import read_clock
from hvcore.fake.machine import Machine
from hvcore.model.event import EventReason, GuestEnd
from hvcore.system.guest_watch import GuestWatch
from hvcore.system.notify import open_timer

__all__ = ["find_end", "watch"]


def watch(machine: Machine) -> GuestWatch | None:
    """Watch over a machine; None when it is off."""
    try:
        # Listening begins before the look, so that no change is missed between the two.
        bell = os.open(machine.bell.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    clock = read_clock()
    state = machine.running(clock)
    if state is None:
        os.close(bell)
        return None
    to_halt_s = state.seconds_to_halt(clock)
    return GuestWatch([bell] if to_halt_s is None else [bell, open_timer(to_halt_s)])


def find_end(machine: Machine) -> GuestEnd | None:
    """Say how a machine came to be off; None when it is on."""
    clock = read_clock()
    if machine.running(clock) is not None:
        return None
    state = machine.files.read_state()
    if state is not None and state.boot_id == clock.boot_id:
        return GuestEnd(EventReason.CLEAN)
    return GuestEnd(EventReason.NODE_REBOOT)
