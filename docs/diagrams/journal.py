"""The journal of a start: steps go down, and back up when one fails."""

from __future__ import annotations

from diagrams.canvas import Canvas

__all__ = ["STEPS", "journal"]

STEPS = {
    "state": "saves the definition",
    "mount": "mounts the disks",
    "config": "writes its config",
    "cgroups": "clears old cgroups",
    "container": "runs lxc-start",
}
"""Each step of LXC with what it does."""

_TOP, _HEIGHT, _GAP = 74, 40, 26
_FAILS = "container"


def journal() -> str:
    """Return the drawing."""
    bottom = _TOP + len(STEPS) * (_HEIGHT + _GAP)
    canvas = Canvas(620, bottom + 62, "The journal of a start, and its undo")
    canvas.text(12, 24, "journal, written first", muted=True)
    canvas.text(310, 24, "do, downwards", anchor="middle", muted=True)
    canvas.text(524, 24, "undo, upwards", anchor="middle", muted=True)
    canvas.text(12, 52, '`{"phase": "starting"}`')
    canvas.arrow(310, 36, 310, _TOP)
    for number, (step, meaning) in enumerate(STEPS.items()):
        y = _TOP + number * (_HEIGHT + _GAP)
        canvas.text(12, y + 25, f'`{{"begin": "{step}"}}`')
        canvas.line(196, y + 20, 220, y + 20, dashed=True)
        canvas.box(220, y, 180, _HEIGHT, [step, meaning], "system")
        canvas.box(454, y, 140, _HEIGHT, [f"undo {step}"], "failure")
        if step == _FAILS:
            canvas.arrow(400, y + 20, 454, y + 20, bad=True)
            canvas.text(427, y + 12, "fails", anchor="middle", bad=True)
        else:
            canvas.arrow(310, y + _HEIGHT, 310, y + _HEIGHT + _GAP)
            canvas.arrow(524, y + _HEIGHT + _GAP, 524, y + _HEIGHT, bad=True)
    last = bottom - _GAP
    canvas.arrow(310, last, 310, last + _GAP)
    canvas.text(12, last + _GAP + 17, '`{"phase": "running"}`')
    canvas.text(310, last + _GAP + 17, "it runs", anchor="middle", strong=True)
    canvas.arrow(524, _TOP, 524, 36, bad=True)
    canvas.text(
        310,
        last + _GAP + 46,
        "Killed on its way? The next command undoes what the journal has begun.",
        anchor="middle",
        muted=True,
    )
    return canvas.svg()
