"""The layers, from who calls to what is touched."""

from __future__ import annotations

from diagrams.canvas import Canvas

__all__ = ["layers"]


def layers() -> str:
    """Return the drawing."""
    canvas = Canvas(600, 560, "The layers of hvcore")
    canvas.box(20, 20, 170, 52, ["management tool", "`import hvcore`"], "caller")
    canvas.box(205, 20, 110, 52, ["operator", "`hv`"], "caller")
    canvas.box(400, 20, 180, 52, ["plugin, anybody's", "`@hookimpl`"], "plugin")
    canvas.arrow(105, 72, 105, 150)
    canvas.arrow(260, 72, 260, 92)
    canvas.box(205, 92, 110, 36, ["`hvcore/cli`"], "core")
    canvas.arrow(260, 128, 260, 150)
    canvas.box(20, 150, 295, 52, ["Host", "the node's hypervisors, as found"], "core")
    canvas.arrow(167, 202, 167, 224)
    canvas.text(178, 218, '`hypervisor("lxc")`', muted=True)
    canvas.box(20, 224, 295, 52, ["Hypervisor", "typed verbs, defaults, checks, lock"], "core")
    canvas.arrow(167, 276, 167, 300)
    canvas.frame(20, 300, 560, 130, "Scope: one private plugin manager per hypervisor")
    canvas.text(42, 347, "verbs", muted=True)
    canvas.box(100, 328, 150, 34, ["wrappers"], "plugin")
    canvas.arrow(250, 345, 300, 345)
    canvas.box(300, 328, 150, 34, ["the one driver"], "driver")
    canvas.text(42, 400, "steps", muted=True)
    canvas.text(366, 376, "asks for its steps", anchor="end", muted=True)
    canvas.arrow(375, 362, 375, 385, dashed=True)
    canvas.box(300, 385, 120, 34, ["extensions"], "plugin")
    canvas.arrow(420, 402, 446, 402)
    canvas.box(446, 385, 124, 34, ["default steps"], "driver")
    canvas.arrow(540, 72, 540, 300, dashed=True)
    canvas.text(530, 190, "joins, through an", anchor="end", muted=True)
    canvas.text(530, 207, "entry point", anchor="end", muted=True)
    canvas.arrow(135, 430, 135, 452)
    canvas.box(20, 452, 230, 52, ["decide", "plans and documents: values"], "driver")
    canvas.arrow(250, 478, 300, 478)
    canvas.box(300, 452, 280, 52, ["do: hvcore/system", "the only door to the machine"], "system")
    canvas.arrow(420, 504, 420, 526)
    canvas.text(420, 542, "programs, mounts, cgroups, processes, locks", anchor="middle", muted=True)
    return canvas.svg()
