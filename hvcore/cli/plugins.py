"""The verb ``plugins``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hvcore.cli.table import Cell, Row, render_table
from hvcore.cli.terminal import clean, paint, use_colour
from hvcore.cli.verbs import Arguments, Command, no_arguments

if TYPE_CHECKING:
    from hvcore.cli.session import Session
    from hvcore.model.plugins import BrokenPlugin, InstalledPlugin, PluginReport

__all__ = ["COMMANDS"]


def _plugins(session: Session, arguments: Arguments) -> int:
    from hvcore.cli.output import print_json

    report = session.host.plugins()
    if session.as_json:
        print_json(report.to_dict())
    else:
        print(_render(report, use_colour(sys.stdout), with_traceback=arguments.debug))
    return 0


def _render(report: PluginReport, colour: bool, with_traceback: bool) -> str:
    parts: list[str] = []
    if report.hypervisors:
        rows: list[Row] = [(p.name, p.distribution, _contract(p), _state(p), p.summary) for p in report.hypervisors]
        parts.append(render_table(("HYPERVISOR", "FROM", "CONTRACT", "STATE", "WHAT IT IS"), rows, colour))
    if report.extensions:
        rows = [
            (p.name, p.group, p.distribution, _contract(p), _state(p), " ".join(p.hooks)) for p in report.extensions
        ]
        parts.append(render_table(("EXTENSION", "GROUP", "FROM", "CONTRACT", "STATE", "HOOKS"), rows, colour))
    orders = [_order(p, colour) for p in report.hypervisors if len(p.order) > 1]
    if orders:
        parts.append("\n".join(orders))
    notes = [_note(p, note, colour) for p in (*report.hypervisors, *report.extensions) for note in p.notes]
    if notes:
        parts.append("\n".join(notes))
    parts += [_broken(fault, colour, with_traceback) for fault in report.broken]
    return "\n\n".join(parts) or "no plugin is installed"


def _contract(plugin: InstalledPlugin) -> str:
    return "-" if plugin.disabled else plugin.contract or "unstated"


def _state(plugin: InstalledPlugin) -> Cell:
    if plugin.disabled:
        return Cell(plugin.disabled, "yellow")
    return Cell("ready, see below", "yellow") if plugin.notes else Cell("ready", "green")


def _order(plugin: InstalledPlugin, colour: bool) -> str:
    return f"{paint('order', 'bold', colour)} of {plugin.name}: {clean(' > '.join(plugin.order))}"


def _note(plugin: InstalledPlugin, note: str, colour: bool) -> str:
    return f"{paint('note:', 'yellow', colour)} {plugin.name} of {plugin.distribution}: {clean(note)}"


def _broken(fault: BrokenPlugin, colour: bool, with_traceback: bool) -> str:
    lines = [
        f"{paint('broken:', 'red', colour)} {fault.name} of {fault.distribution} ({fault.group})",
        f"  {clean(fault.reason)}",
        f"  what to do: {clean(fault.resolution)}",
    ]
    if with_traceback:
        lines += [f"  | {line}" for line in clean(fault.traceback).rstrip("\n").split("\n")]
    return "\n".join(lines)


COMMANDS = {"plugins": Command(no_arguments, _plugins)}
