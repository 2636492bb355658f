"""The route of a start through the hooks, drawn as text or as a Mermaid diagram.

Drawn are the hooks that ``Hypervisor.start_instance`` calls, in their order, and below the driver's command the steps that
this hypervisor specifies itself, in the order of their specification; whether and when a driver takes each is its own affair.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ROUTE", "draw", "on_route"]

ROUTE = ("get_parameters", "check_parameter_syntax", "validate_parameters", "start_instance", "instance_started")
"""The hooks of the contract that a start calls, in order."""

_COMMAND = "start_instance"
_OWN_SPECS = "hvcore.spec."

_Hooks = list[dict[str, Any]]


def on_route(hooks: _Hooks) -> _Hooks:
    """Return the hooks that lie on the route of a start, in its order, of each hypervisor in turn.

    Args:
        hooks: what ``hv hooks --json`` prints.
    """
    found: _Hooks = []
    for hypervisor in dict.fromkeys(hook["hypervisor"] for hook in hooks):
        own = {hook["name"]: hook for hook in hooks if hook["hypervisor"] == hypervisor}
        for name in ROUTE:
            found += [own[name]] if name in own else []
            found += [hook for hook in own.values() if name == _COMMAND and _is_step(hook)]
    return found


def draw(route: _Hooks, form: str) -> str:
    """Return a diagram of the routes.

    Args:
        route: what ``on_route`` returns.
        form: ``text`` or ``mermaid``.
    """
    names = dict.fromkeys(hook["hypervisor"] for hook in route)
    each = [[hook for hook in route if hook["hypervisor"] == name] for name in names]
    if form == "mermaid":
        return "\n".join(("flowchart TD", *(line for hooks in each for line in _mermaid(hooks))))
    return "\n\n".join("\n".join(_text(hooks)) for hooks in each)


def _text(hooks: _Hooks) -> list[str]:
    name: str = hooks[0]["hypervisor"]
    top = [hook for hook in hooks if not _is_step(hook)]
    steps = [hook for hook in hooks if _is_step(hook)]
    width = max(len(hook["name"]) + (3 if _is_step(hook) else 0) for hook in hooks)
    lines = [f"start of an instance of {name}"]
    for hook in top:
        is_last = hook is top[-1]
        lines.append(f"{'└─' if is_last else '├─'} {hook['name']:<{width}}  {_told(hook)}")
        if hook["name"] == _COMMAND:
            bar = " " if is_last else "│"
            lines += [
                f"{bar}  {'└─' if step is steps[-1] else '├─'} {step['name']:<{width - 3}}  {_told(step)}"
                for step in steps
            ]
    return lines


def _told(hook: dict[str, Any]) -> str:
    who = [f"{answer['plugin']} ({answer['role']})" for answer in hook["answered_by"]]
    between = {"command": " > ", "choose": " > ", "collect": ", ", "notify": ", "}[hook["kind"]]
    return f"{hook['kind']:<7}  {between.join(who) or 'nobody'}"


def _mermaid(hooks: _Hooks) -> list[str]:
    name: str = hooks[0]["hypervisor"]
    lines = [
        f'    subgraph {_id(name, "route")}["start of an instance of {name}"]',
        f'        {_id(name, "caller")}(["start_instance"])',
    ]
    before = _id(name, "caller")
    for hook in hooks:
        own = _id(name, hook["name"])
        who = [f"{answer['plugin']} ({answer['role']})" for answer in hook["answered_by"]]
        label = "<br/>".join((f"{hook['name']} ({hook['kind']})", *(who or ["nobody"])))
        lines.append(f'        {own}["{label}"]')
        if _is_step(hook):
            lines.append(f"        {_id(name, _COMMAND)} -.-> {own}")
        else:
            lines.append(f"        {before} --> {own}")
            before = own
    return [*lines, "    end"]


def _id(hypervisor: str, name: str) -> str:
    return f"{hypervisor}_{name}".replace("-", "_").replace(".", "_")


def _is_step(hook: dict[str, Any]) -> bool:
    return not hook["spec"].startswith(_OWN_SPECS)
