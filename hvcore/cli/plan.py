"""The verb ``plan``: what a start would do, or what a file would change of the running instance."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hvcore.cli.arguments import add_file, add_paused
from hvcore.cli.terminal import clean, paint, use_colour
from hvcore.cli.verbs import Arguments, Command

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session
    from hvcore.model.plan import ChangePlan, StartPlan

__all__ = ["COMMANDS", "render_changes", "render_plan"]


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


def render_changes(plan: ChangePlan, colour: bool) -> str:
    """Return in lines what a definition would change of a running instance."""
    if not plan.changes:
        lines = [f"{plan.instance} runs on {plan.hypervisor} as the file says: nothing would change"]
    else:
        count = len(plan.changes)
        lines = [f"the file would change {count} {'thing' if count == 1 else 'things'} of {plan.instance}, which runs:"]
    for change in plan.changes:
        effect = paint(f"{change.effect:7}", "yellow" if change.effect == "restart" else "green", colour)
        values = " -> ".join(clean(value) or "nothing" for value in (change.before, change.after))
        lines.append(f"  {effect}  {clean(change.key)}: {values}")
        lines.append(f"           by: {clean(change.how)}")
    for path, diff in plan.documents.items():
        lines.append(f"{paint(clean(path), 'bold', colour)}:")
        lines += [f"  | {line}" for line in clean(diff).rstrip("\n").split("\n")]
    if plan.needs_restart:
        lines.append("a restart is needed")
    return "\n".join(lines)


def _configure(parser: ArgumentParser) -> None:
    add_file(parser)
    add_paused(parser)
    parser.add_argument(
        "--diff", action="store_true", help="compare with the running instance: what changes live, what needs a restart"
    )


def _plan(session: Session, arguments: Arguments) -> int:
    from hvcore.cli.instance_file import placing_errors, read_instance
    from hvcore.cli.output import print_json

    instance = read_instance(arguments.file, session.wanted)
    with placing_errors(arguments.file):
        hypervisor = session.host.hypervisor(session.wanted or instance.hypervisor)
        if arguments.diff:
            return _diff(session, hypervisor.plan_change(instance))
        plan = hypervisor.plan_start(instance, startup_paused=arguments.paused)
    if session.as_json:
        print_json(plan.to_dict())
    else:
        print(render_plan(plan, use_colour(sys.stdout)))
    return 0


def _diff(session: Session, plan: ChangePlan) -> int:
    from hvcore.cli.output import print_json

    if session.as_json:
        print_json(plan.to_dict())
    else:
        print(render_changes(plan, use_colour(sys.stdout)))
    return 0


COMMANDS = {"plan": Command(_configure, _plan)}
