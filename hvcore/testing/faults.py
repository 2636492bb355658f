"""Faults at chosen steps of an operation: let one fail, or kill the process there.

A driver that takes its steps with ``hvcore.system.operation.perform`` tells its context's observer of each; a fault is such an
observer. It is put into a driver's surroundings when its host is loaded::

    fault = FailAt("mount")
    hypervisor = hvcore.load(prepare=fault.prepare).hypervisor("lxc")

A place is a step's name, or its number counted from 1; by default its beginning is meant, and with ``(step, moment)`` any of
the moments ``begin``, ``done``, ``undo`` and ``undone``.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

from attrs import evolve

from hvcore.context import DriverContext
from hvcore.errors import OperationFailed

__all__ = ["CallAt", "FailAt", "KillAt", "Place", "Prepare", "Spot", "Watch", "steps_of"]

Spot: TypeAlias = tuple[str, str]
"""A step and a moment of it, as an observer is told."""

Place: TypeAlias = str | int | Spot | tuple[int, str]
"""Where a fault is: a step's name or number, alone or with a moment."""

Prepare: TypeAlias = Callable[[DriverContext], DriverContext]
"""What ``hvcore.load`` takes as ``prepare``."""

_MOMENTS = ("begin", "done", "undo", "undone")


class Watch:
    """An observer that notes every moment of every step."""

    def __init__(self) -> None:
        self.seen: list[Spot] = []

    def __call__(self, step: str, moment: str) -> None:
        """Note a moment."""
        self.seen.append((step, moment))

    def prepare(self, context: DriverContext) -> DriverContext:
        """Return surroundings with this observer; the one that is there already is told first."""
        before = context.observer

        def both(step: str, moment: str) -> None:
            before(step, moment)
            self(step, moment)

        return evolve(context, observer=both)


class CallAt(Watch):
    """An observer that does something at some places.

    Args:
        places: where; every one each time that it comes by, a number once.
        do: what is done, given the step and the moment; what it raises makes the step fail.

    Raises:
        ValueError: there is no such moment, or steps are not counted from 1.
    """

    def __init__(self, *places: Place, do: Callable[[str, str], None]) -> None:
        super().__init__()
        self._places = frozenset(map(_checked, places))
        self._do = do
        self._counts: Counter[str] = Counter()
        self.reached: list[Spot] = []

    def __call__(self, step: str, moment: str) -> None:
        """Note a moment, and do it if this is one of the places."""
        super().__call__(step, moment)
        self._counts[moment] += 1
        if not self._places.isdisjoint({(step, moment), (self._counts[moment], moment)}):
            self.reached.append((step, moment))
            self._do(step, moment)


class FailAt(CallAt):
    """An observer that makes steps fail.

    Args:
        places: where; ``FailAt(3)`` lets the third step fail that is begun.
        error: what is raised; None raises an ``OperationFailed`` that names step and moment.
    """

    def __init__(self, *places: Place, error: BaseException | None = None) -> None:
        def fail(step: str, moment: str) -> None:
            raise error or OperationFailed(f"injected at {step} {moment}", resolution="do not inject it")

        super().__init__(*places, do=fail)


class KillAt(CallAt):
    """An observer that kills its own process, by SIGKILL, so that nothing at all is undone.

    Args:
        places: where.
        here: kill even the process that made the observer. Without it, that one gets an AssertionError: it runs the tests, and
            the operation belongs into a ``hvcore.testing.children.Child``.
    """

    def __init__(self, *places: Place, here: bool = False) -> None:
        maker = os.getpid()

        def kill(step: str, moment: str) -> None:
            if os.getpid() == maker and not here:
                raise AssertionError(f"{step} {moment} would kill the process that runs the tests; use a Child")
            os.kill(os.getpid(), signal.SIGKILL)

        super().__init__(*places, do=kill)


def steps_of(operation: Callable[[Prepare], object]) -> tuple[Spot, ...]:
    """Return the steps of an operation with their moments, in order, by watching it succeed.

    Args:
        operation: does it once, on a hypervisor that it loads with the ``prepare`` that it is given.

    Returns:
        Every moment that was seen, such as ``("mount", "begin")``: the places for faults.
    """
    watch = Watch()
    operation(watch.prepare)
    return tuple(watch.seen)


def _checked(place: Place) -> tuple[str | int, str]:
    step, moment = place if isinstance(place, tuple) else (place, "begin")
    if moment not in _MOMENTS:
        raise ValueError(f"there is no moment {moment!r}, only {', '.join(_MOMENTS)}")
    if isinstance(step, int) and step < 1:
        raise ValueError(f"steps are counted from 1, not from {step}")
    return step, moment
