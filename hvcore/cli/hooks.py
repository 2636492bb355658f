"""The verb ``hooks``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from hvcore.cli.arguments import add_graph, add_hook
from hvcore.cli.table import render_table
from hvcore.cli.terminal import paint, use_colour
from hvcore.cli.verbs import Arguments, Command
from hvcore.errors import HypervisorError, InvalidInput

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session
    from hvcore.hypervisor import Hypervisor
    from hvcore.scope import Hook

__all__ = ["COMMANDS"]


def _configure(parser: ArgumentParser) -> None:
    add_hook(parser)
    add_graph(parser)


def _hooks(session: Session, arguments: Arguments) -> int:
    from hvcore.cli.output import print_json, warn

    found: list[dict[str, Any]] = []
    for name, answer in session.ask_each(_describe_all):
        if isinstance(answer, HypervisorError):
            warn(f"{name} cannot be loaded: {answer}")
        else:
            found += answer
    if arguments.graph is not None:
        from hvcore.cli.graph import draw, on_route

        found = on_route(found)
        if not session.as_json:
            print(draw(found, arguments.graph))
            return 0
    if arguments.name is not None:
        found = _only(found, arguments.name)
    if session.as_json:
        print_json(found)
    elif arguments.name is None:
        print(_table(found, use_colour(sys.stdout)))
    else:
        print(_details(found, use_colour(sys.stdout)))
    return 0


def _describe_all(hypervisor: Hypervisor) -> list[dict[str, Any]]:
    return [_describe(hypervisor, hook) for hook in hypervisor.scope.hooks]


def _describe(hypervisor: Hypervisor, hook: Hook) -> dict[str, Any]:
    import inspect

    signature = inspect.signature(hook.function)
    own = signature.replace(parameters=list(signature.parameters.values())[1:])
    answerers = hypervisor.scope.answerers(hook.function)
    return {
        "hypervisor": hypervisor.name,
        "name": hook.name,
        "kind": str(hook.declaration.kind),
        "since": hook.declaration.since,
        "spec": f"{hook.spec.__module__}.{hook.spec.__qualname__}",
        "signature": f"{hook.name}{str(own).replace(chr(39), '')}",
        "doc": inspect.getdoc(hook.function) or "",
        "answered_by": [{"plugin": a.plugin, "distribution": a.distribution, "role": a.role} for a in answerers],
    }


def _only(found: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    wanted = [hook for hook in found if hook["name"] == name]
    if wanted:
        return wanted
    from hvcore.model.refusal import closest, shown

    guess = closest(name, {hook["name"] for hook in found})
    raise InvalidInput(
        f"there is no hook {shown(name)}",
        key="hook",
        value=name,
        resolution=f"did you mean {guess}?" if guess else "'hv hooks' lists them",
    )


def _table(found: list[dict[str, Any]], colour: bool) -> str:
    rows = [(hook["hypervisor"], hook["name"], hook["kind"], hook["since"], _answerers(hook)) for hook in found]
    return render_table(("HYPERVISOR", "HOOK", "KIND", "SINCE", "ANSWERED BY"), rows, colour)


def _answerers(hook: dict[str, Any]) -> str:
    return ", ".join(f"{a['plugin']} ({a['role']})" for a in hook["answered_by"]) or "nobody"


def _details(found: list[dict[str, Any]], colour: bool) -> str:
    first = found[0]
    lines = [
        paint(first["signature"], "bold", colour),
        f"  {first['kind']} hook of {first['spec']}, since {first['since']}",
        "",
        *(f"  {line}".rstrip() for line in first["doc"].split("\n")),
        "",
        "answered by:",
    ]
    for hook in found:
        lines.append(f"  {hook['hypervisor']}: {'nobody' if not hook['answered_by'] else ''}".rstrip())
        lines += [f"    {a['role']:<9} {a['plugin']} of {a['distribution']}" for a in hook["answered_by"]]
    return "\n".join(lines)


COMMANDS = {"hooks": Command(_configure, _hooks)}
