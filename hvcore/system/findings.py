"""What a node is looked at for, whatever the hypervisor; nothing is changed to find out."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from hvcore.model.verify import Finding

__all__ = ["directory_finding", "root_finding", "tool_finding"]


def root_finding() -> Finding:
    """Look whether this process is root's."""
    is_root = os.geteuid() == 0
    return Finding("root", is_root, "root" if is_root else "not root", "" if is_root else "run it as root")


def tool_finding(tool: str, remedy: str, essential: bool = False) -> Finding:
    """Look for a program on PATH.

    Args:
        tool: its name.
        remedy: how to install it.
        essential: whether a node without it is no node of the hypervisor at all.
    """
    import shutil

    path = shutil.which(tool)
    return Finding(
        tool, path is not None, path or f"{tool} is not installed", "" if path else remedy, essential=essential
    )


def directory_finding(name: str, path: Path, variable: str) -> Finding:
    """Look whether a directory can be written, or made when it is missing.

    Args:
        name: what it is, for a reader.
        path: the directory.
        variable: the environment variable that names another one.
    """
    why = _obstacle(path)
    if why is None:
        return Finding(name, True, str(path))
    return Finding(name, False, why, f"set {variable} to a directory you may write")


def _obstacle(path: Path) -> str | None:
    """Return why a directory cannot be written or made, or None."""
    for existing in (path, *path.parents):
        try:
            is_directory = stat.S_ISDIR(os.stat(existing).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            return f"{existing} cannot be looked at: {error.strerror}"
        if is_directory and os.access(existing, os.W_OK | os.X_OK, effective_ids=True):
            return None
        return f"{existing} cannot be written"
    return f"{path} cannot be made"
