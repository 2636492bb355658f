"""The verb ``plan``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hvcore.cli.arguments import add_file, add_paused
from hvcore.cli.terminal import clean, paint, use_colour
from hvcore.cli.verbs import Arguments, Command

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session
    from hvcore.model.plan import StartPlan

__all__ = ["COMMANDS", "render_plan"]


def render_plan(plan: StartPlan, colour: bool) -> str:
    """Return a plan in lines: the steps with their details, each document with its path, and warnings."""
    count = len(plan.steps)
    lines = [f"{plan.hypervisor} would start {plan.instance} in {count} {'step' if count == 1 else 'steps'}:"]
    for number, step in enumerate(plan.steps, start=1):
        lines.append(f"{number:>3}. {paint(step.name, 'bold', colour)}: {clean(step.summary)}")
        lines += [f"       {clean(detail)}" for detail in step.details]
    for path, text in plan.documents.items():
        lines.append(f"{paint(clean(path), 'bold', colour)}:")
        lines += [f"  | {line}" for line in clean(text).rstrip("\n").split("\n")]
    lines += [f"{paint('warning:', 'yellow', colour)} {clean(warning)}" for warning in plan.warnings]
    return "\n".join(lines)


def _configure(parser: ArgumentParser) -> None:
    add_file(parser)
    add_paused(parser)


def _plan(session: Session, arguments: Arguments) -> int:
    from hvcore.cli.instance_file import placing_errors, read_instance
    from hvcore.cli.output import print_json

    instance = read_instance(arguments.file, session.wanted)
    with placing_errors(arguments.file):
        hypervisor = session.host.hypervisor(session.wanted or instance.hypervisor)
        plan = hypervisor.plan_start(instance, startup_paused=arguments.paused)
    if session.as_json:
        print_json(plan.to_dict())
    else:
        print(render_plan(plan, use_colour(sys.stdout)))
    return 0


COMMANDS = {"plan": Command(_configure, _plan)}
