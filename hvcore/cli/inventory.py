"""What runs: ``list`` and ``info``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hvcore.cli.arguments import add_instance
from hvcore.cli.table import Cell, Row, render_pairs, render_table
from hvcore.cli.terminal import use_colour
from hvcore.cli.verbs import Arguments, Command, no_arguments
from hvcore.errors import HypervisorError, InstanceNotFound

if TYPE_CHECKING:
    from hvcore.cli.session import Session
    from hvcore.hypervisor import Hypervisor
    from hvcore.model.info import InstanceInfo

__all__ = ["COMMANDS", "describe", "instance_table"]

_STATE_COLOURS = {"running": "green", "paused": "yellow", "shutdown": "red"}


def instance_table(instances: Iterable[InstanceInfo], colour: bool) -> str:
    """Return instances as a table; what none of them tells has no column."""
    columns = [_facts(info) for info in instances]
    titles = [title for title in columns[0] if any(facts[title] is not None for facts in columns)]
    rows: list[Row] = [[facts[title] or Cell("-", right=True) for title in titles] for facts in columns]
    return render_table(titles, rows, colour)


def describe(info: InstanceInfo, colour: bool) -> str:
    """Return what is known of one instance in lines."""
    facts = _facts(info).items()
    return render_pairs([(title.lower(), cell._replace(right=False)) for title, cell in facts if cell], colour)


def _list(session: Session, _: Arguments) -> int:
    from hvcore.cli.output import print_json, warn

    found: list[InstanceInfo] = []
    if session.wanted:
        found += session.host.hypervisor(session.wanted).get_all_instances_info()
    else:
        for name, answer in session.host.all_instances().items():
            if isinstance(answer, HypervisorError):
                warn(f"{name} cannot say what runs: {answer}")
            else:
                found += answer
    if session.as_json:
        print_json([info.to_dict() for info in found])
    elif found:
        print(instance_table(found, use_colour(sys.stdout)))
    else:
        print("no instance runs")
    return 0


def _info(session: Session, arguments: Arguments) -> int:
    from hvcore.cli.output import print_json

    info = _find(session.owner(arguments.name), arguments.name)
    if session.as_json:
        print_json(info.to_dict())
    else:
        print(describe(info, use_colour(sys.stdout)))
    return 0


def _find(hypervisor: Hypervisor, name: str) -> InstanceInfo:
    """Return what the kernel says, or for a known instance that does not run what its definition says."""
    info = hypervisor.get_instance_info(name)
    if info:
        return info
    from hvcore.model.info import InstanceInfo
    from hvcore.model.state import InstanceState

    known = hypervisor.get_instance_definition(name)
    if known is None:
        raise InstanceNotFound(
            f"there is no instance {name!r}",
            hypervisor=hypervisor.name,
            instance=name,
            resolution="'hv list' names those that run",
        )
    return InstanceInfo(name, hypervisor.name, InstanceState.SHUTDOWN, known.memory_mib, known.vcpus, 0.0)


def _facts(info: InstanceInfo) -> dict[str, Cell | None]:
    return {
        "NAME": Cell(info.name),
        "HYPERVISOR": Cell(info.hypervisor),
        "STATE": Cell(str(info.state), _STATE_COLOURS.get(str(info.state))),
        "MEMORY": _figure(info.memory_mib, " MiB"),
        "USED": _figure(info.memory_used_mib, " MiB"),
        "VCPUS": _figure(info.vcpus),
        "CPU TIME": _figure(f"{info.cpu_seconds:.2f}", " s"),
        "PID": _figure(info.pid),
        "PROCESSES": _figure(info.processes),
    }


def _figure(value: int | str | None, unit: str = "") -> Cell | None:
    return None if value is None else Cell(f"{value}{unit}", right=True)


COMMANDS = {"list": Command(no_arguments, _list), "info": Command(add_instance, _info)}
