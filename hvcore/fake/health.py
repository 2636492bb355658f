"""Whether a node can run fake instances; nothing is changed to find out."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from hvcore.context import DriverContext
from hvcore.model.verify import Finding, VerifyReport
from hvcore.system.commands import find_program

__all__ = ["examine"]


def examine(context: DriverContext) -> VerifyReport:
    """Return what was found."""
    return VerifyReport(
        context.name,
        (
            _writable("state directory", context.state_dir, "HVCORE_STATE_DIR"),
            _writable("log directory", context.log_dir, "HVCORE_LOG_DIR"),
            *(_program(name) for name in ("env", "/bin/sh")),
        ),
        {"python": platform.python_version(), "kernel": os.uname().release},
    )


def _writable(what: str, directory: Path, variable: str) -> Finding:
    there = next((path for path in (directory, *directory.parents) if path.exists()), directory)
    usable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    if not usable:
        remedy = f"set {variable} to a directory you may write, or change the permissions of {there}"
        return Finding(what, ok=False, detail=f"{there} cannot be written", remedy=remedy)
    return Finding(what, ok=True, detail=f"{directory} {'can be written' if there == directory else 'can be made'}")


def _program(name: str) -> Finding:
    path = find_program(name)
    if path is None:
        return Finding(
            name,
            ok=False,
            detail=f"{name} is missing, so no commands can be run",
            remedy="install coreutils and a shell",
        )
    return Finding(name, ok=True, detail=f"found at {path}")
