"""The handshake of a migration between two nodes and the one who conducts it."""

from __future__ import annotations

from diagrams.canvas import Canvas

__all__ = ["CALLS", "migration"]

_SOURCE, _CALLER, _TARGET = 106, 330, 554

CALLS = (
    ("source", "migration_info", "text about the instance"),
    ("target", "accept_instance", "the target makes room"),
    ("source", "migrate_instance", "the transfer begins"),
    ("source", "get_migration_status", "until no longer active"),
    ("source", "finalize_migration_source", "source forgets it"),
    ("target", "finalize_migration_dst", "target keeps it"),
)
"""Each call in its order: on which node, which hook, what comes of it."""

_STEP = 62
_TOP = 100


def migration() -> str:
    """Return the drawing."""
    bottom = _TOP + _STEP * len(CALLS) + 48
    canvas = Canvas(660, bottom + 78, "The handshake of a migration")
    for x, title, role in (
        (_SOURCE, "source node", "driver"),
        (_CALLER, "who conducts it", "caller"),
        (_TARGET, "target node", "driver"),
    ):
        canvas.box(x - 80, 16, 160, 36, [title], role)
        canvas.line(x, 52, x, bottom, dashed=True)
    transfer = _TOP + 3 * _STEP + 36
    handed_over = _TOP + 4 * _STEP + 10
    canvas.bar(_SOURCE - 6, 60, 12, handed_over - 60, "plugin")
    canvas.bar(_TARGET - 6, handed_over, 12, bottom - handed_over, "plugin")
    canvas.text(_SOURCE - 14, 82, "runs here", anchor="end", muted=True)
    canvas.text(_TARGET + 14, bottom - 8, "runs here", muted=True)
    y = _TOP
    for node, hook, outcome in CALLS:
        if hook == "finalize_migration_source":
            canvas.arrow(_SOURCE + 6, transfer, _TARGET - 6, transfer)
            canvas.text(_CALLER + 14, transfer - 8, "memory, devices, state", muted=True)
            y = handed_over
        is_source = node == "source"
        end = _SOURCE + 6 if is_source else _TARGET - 6
        canvas.arrow(_CALLER, y, end, y)
        middle = (_CALLER + (_SOURCE if is_source else _TARGET)) // 2
        canvas.text(middle, y - 8, f"`{hook}`", anchor="middle")
        canvas.text(middle, y + 17, outcome, anchor="middle", muted=True)
        y += _STEP
    canvas.text(
        _CALLER, bottom + 26, "A failure, or nobody wants it any more: both finalize calls", anchor="middle", bad=True
    )
    canvas.text(
        _CALLER, bottom + 43, "with success=False, in any order; it runs on at the source.", anchor="middle", bad=True
    )
    return canvas.svg()
