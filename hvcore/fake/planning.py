"""What a start would do, and what a new definition would change, as values."""

from __future__ import annotations

from hvcore.fake.behaviour import Behaviour
from hvcore.fake.machine import Machine
from hvcore.fake.params import STARTING, assess
from hvcore.model.instance import Instance
from hvcore.model.plan import ChangePlan, PlanStep, StartPlan

__all__ = ["plan", "plan_change"]


def plan(machine: Machine, instance: Instance, memory_mib: int, paused: bool) -> StartPlan:
    """Return the plan of a start.

    Args:
        machine: the machine that would be started; only its paths are used.
        instance: the definition.
        memory_mib: the memory it would start with.
        paused: whether the start would be a paused one.
    """
    import json

    files = machine.files
    delay_s = Behaviour.of(instance.parameters).start_delay_s
    steps = {
        "directory": PlanStep("directory", f"make {files.directory}"),
        "definition": PlanStep("definition", f"save the definition in {files.definition}"),
        "console": PlanStep("console", f"open the log {machine.console.path}"),
        "root": PlanStep("root", f"make {files.root}, the folder for commands"),
        "boot": PlanStep(
            "boot",
            f"{f'wait {delay_s:g} s and ' if delay_s else ''}write {files.state}",
            (f"memory: {memory_mib} MiB", f"vcpus: {instance.vcpus}", f"paused: {'yes' if paused else 'no'}"),
        ),
    }
    remembered = [f"disk {disk.path}" for disk in instance.disks] + [f"{nic.mode} nic" for nic in instance.nics]
    return StartPlan(
        hypervisor=machine.context.name,
        instance=instance.name,
        steps=tuple(steps[name] for name in STARTING),
        documents={str(files.definition): json.dumps(instance.to_dict(), indent=2) + "\n"},
        warnings=(*assess(instance.parameters), *(f"{what}: only remembered, not used" for what in remembered)),
    )


def plan_change(machine: Machine, instance: Instance) -> ChangePlan:
    """Return what a definition would change of a running machine.

    Raises:
        NotRunning: it does not run.
        StateFailed: its definition is lost.
    """
    from hvcore.errors import StateFailed
    from hvcore.fake.clock import read_clock
    from hvcore.model.changes import LIVE_OPERATIONS, changes_between, with_memory

    state = machine.require_running(read_clock())
    known = machine.files.read_definition()
    if known is None:
        raise StateFailed(f"the definition of {machine.name} is lost", resolution="stop it and start it again")
    changes = changes_between(with_memory(known, state.memory_mib), instance, frozenset(LIVE_OPERATIONS))
    return ChangePlan(machine.context.name, machine.name, changes)
