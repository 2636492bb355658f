"""Delay and failure where the parameters of an instance ask for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from hvcore.errors import OperationFailed

if TYPE_CHECKING:
    from hvcore.fake.behaviour import Behaviour

__all__ = ["failing", "meet"]

_LIFT = "clear the parameter fail_step"


def meet(step: str, behaviour: Behaviour, resolution: str = _LIFT) -> None:
    """Come to a step: wait as long as the parameters say, and fail if they say so.

    Args:
        step: the step's name.
        behaviour: the parameters.
        resolution: what helps after the failure.

    Raises:
        OperationFailed: they ask for the failure of this step.
    """
    time.sleep(behaviour.delay_s(step))
    if behaviour.fail_step == step:
        raise OperationFailed("injected failure", step=step, resolution=resolution)


def failing(step: str, behaviour: Behaviour, do: Callable[[], None]) -> Callable[[], None]:
    """Return what a step does: what it should, after the delay or instead of it the failure that the parameters ask for."""

    def meet_and_do() -> None:
        meet(step, behaviour)
        do()

    return meet_and_do
