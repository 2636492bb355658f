"""The route of one call: a start on LXC, with every hook that is asked, and every exit."""

from __future__ import annotations

from typing import NamedTuple

from diagrams.canvas import Canvas, Role

__all__ = ["HOOKS", "route"]


class _Stop(NamedTuple):
    lines: tuple[str, ...]
    role: Role
    exits: tuple[str, ...] = ()
    hooks: tuple[tuple[str, str], ...] = ()


_ROUTE = (
    _Stop(("management tool or hv", "`lxc.start_instance(web1)`"), "caller"),
    _Stop(
        ("Hypervisor", "fills in and checks parameters"),
        "core",
        ("InvalidParameter",),
        (("command", "get_parameters"), ("command", "check_parameter_syntax"), ("command", "validate_parameters")),
    ),
    _Stop(("the instance's lock", "taken between processes"), "core", ("Busy",)),
    _Stop(("Scope", "finds who answers the hook"), "core", ("Unsupported",), (("command", "start_instance"),)),
    _Stop(("wrappers, outermost first", "an audit, a policy: may refuse"), "plugin", ("what they raise",)),
    _Stop(("driver of LXC", "what runs is not started again"), "driver", ("MissingRequirement", "AlreadyRunning")),
    _Stop(
        ("decide", "nothing is touched yet"),
        "driver",
        ("OperationFailed,", "nothing to undo"),
        (
            ("choose", "lxc_cgroups"),
            ("choose", "lxc_config"),
            ("collect", "lxc_config_entries"),
            ("choose", "lxc_mounter"),
        ),
    ),
    _Stop(("do", "five steps, with a journal"), "system", ("OperationFailed,", "all steps undone")),
    _Stop(("lock freed, instance runs", "listeners hear of it"), "core", (), (("notify", "instance_started"),)),
)

HOOKS = tuple(hook for stop in _ROUTE for hook in stop.hooks)
"""Each hook on the route with its kind."""

_TOP, _GAP, _PADDING = 44, 22, 12


def route() -> str:
    """Return the drawing."""
    heights = [max(2, len(stop.hooks), len(stop.exits)) * 17 + _PADDING + 4 for stop in _ROUTE]
    canvas = Canvas(660, _TOP + sum(heights) + _GAP * len(_ROUTE), "The route of a start on LXC")
    canvas.text(128, 28, "where it is", anchor="middle", muted=True)
    canvas.text(266, 28, "hooks asked there", muted=True)
    canvas.text(646, 28, "how it may end there", anchor="end", muted=True)
    y = _TOP
    for number, (stop, height) in enumerate(zip(_ROUTE, heights, strict=True)):
        canvas.box(10, y, 240, height, stop.lines, stop.role)
        middle = y + height // 2
        first = middle - (len(stop.hooks) - 1) * 17 // 2 + 5
        for line, (kind, hook) in enumerate(stop.hooks):
            canvas.text(266, first + line * 17, kind, muted=True)
            canvas.text(336, first + line * 17, f"`{hook}`")
        if stop.exits:
            first = middle - (len(stop.exits) - 1) * 17 // 2 + 5
            if not stop.hooks:
                canvas.arrow(250, middle, 496, middle, dashed=True, bad=True)
            for line, text in enumerate(stop.exits):
                canvas.text(646, first + line * 17, text, anchor="end", bad=True)
        y += height
        if number < len(_ROUTE) - 1:
            canvas.arrow(130, y, 130, y + _GAP)
        y += _GAP
    return canvas.svg()
