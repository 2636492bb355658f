"""The reset of a fake node: what a power cut does to its machines, and nothing to the real one."""

from __future__ import annotations

from hvcore.context import DriverContext
from hvcore.fake.inventory import recorded_names
from hvcore.fake.machine import Machine

__all__ = ["cut_power"]


def cut_power(context: DriverContext) -> None:
    """End every machine of a state directory where it is; nobody is asked, and what they leave waits for ``recover``.

    Args:
        context: the driver's surroundings.

    Raises:
        HypervisorError: a machine cannot be ended; those before it are.
    """
    for name in recorded_names(context):
        machine = Machine(context, name)
        machine.files.remove(machine.slot.arrival)
        machine.files.remove(machine.files.state)
        machine.bell.ring()
        machine.end_commands()
        machine.console.say("the node was reset")
