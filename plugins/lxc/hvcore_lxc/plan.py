"""What a start would do, in words."""

from __future__ import annotations

from hvcore.model.instance import BlockDevice, Instance
from hvcore.model.nic import NicMode
from hvcore.model.plan import PlanStep, StartPlan
from hvcore_lxc.config_text import parse
from hvcore_lxc.document import ConfigDocument
from hvcore_lxc.lifecycle import Lifecycle
from hvcore_lxc.steps import Definition
from hvcore_lxc.tools import start_command

__all__ = ["plan_of"]


def plan_of(
    lifecycle: Lifecycle, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool
) -> StartPlan:
    """Return the plan of a start; only looks.

    Raises:
        InvalidInput: the definition cannot be expressed.
        OperationFailed: a disk is not there.
    """
    name, paths = instance.name, lifecycle.paths
    definition = Definition(instance, block_devices, startup_paused)
    mounter = lifecycle.mounter(definition)
    limits = lifecycle.cgroups.limits(instance)
    text = lifecycle.config_text(definition)
    command = start_command(paths.lxcpath, name, paths.lxc_log(name))
    steps = (
        PlanStep("state", f"save the definition in {paths.instance_dir(name)}"),
        PlanStep(
            "mount", f"mount {len(block_devices)} disk(s), {mounter.name} mounter", tuple(map(str, mounter.plan()))
        ),
        PlanStep("config", f"write {paths.config(name)}"),
        PlanStep(
            "cgroups",
            f"limit {paths.container_group(name)}, {lifecycle.cgroups.name} manager",
            tuple(f"{entry.key} = {entry.value}" for entry in limits),
        ),
        PlanStep(
            "container",
            "start it frozen before init's first instruction" if startup_paused else "start it and see that init runs",
            (*_interfaces(parse(text)), " ".join(command)),
        ),
    )
    has_network = any(nic.mode is not NicMode.NONE for nic in instance.nics)
    warnings = () if has_network else (f"{name} has no NIC: its network is only its own loopback",)
    documents = {str(paths.config(name)): text}
    return StartPlan(lifecycle.context.name, name, steps, documents, warnings)


def _interfaces(document: ConfigDocument) -> tuple[str, ...]:
    """Return a line per interface that LXC makes with the container, as the configuration says it."""
    found: dict[str, list[str]] = {}
    for entry in document.entries:
        number, dot, setting = entry.key.removeprefix("lxc.net.").partition(".")
        if entry.key.startswith("lxc.net.") and dot:
            found.setdefault(number, []).append(f"{setting} {entry.value}")
    return tuple(
        f"interface {number}: {', '.join(settings)}" for number, settings in found.items() if settings != ["type empty"]
    )
