"""What a node is looked at for, whatever the hypervisor; nothing is changed to find out."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from hvcore.model.capability import Capability, Support
from hvcore.model.verify import Finding
from hvcore.system.commands import find_program

__all__ = ["directory_finding", "disk_limits", "root_finding", "tool_finding"]

_DEVICES = Path("/dev")


def root_finding() -> Finding:
    """Look whether this process is root's."""
    is_root = os.geteuid() == 0
    return Finding("root", is_root, "root" if is_root else "not root", "" if is_root else "run it as root")


def tool_finding(tool: str, remedy: str, essential: bool = False) -> Finding:
    """Look for a program, where commands are looked for.

    Args:
        tool: its name.
        remedy: how to install it.
        essential: whether a node without it is no node of the hypervisor at all.
    """
    path = find_program(tool)
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


def disk_limits() -> tuple[Capability, ...]:
    """Return what keeps the default mounter from some kinds of disk."""
    if find_program("mount") is None:
        what, remedy = "only directories can be disks: mount is not installed", "install mount (util-linux)"
    elif not _has_loop_devices():
        what = f"image files cannot be disks: there is neither {_DEVICES}/loop-control nor a loop device"
        remedy = "load the kernel's module: modprobe loop"
    else:
        return ()
    return (Capability("start_instance", Support.LIMITED, what, remedy),)


def _has_loop_devices() -> bool:
    """Source: loop(4): a free device is asked of loop-control; older tools look through the devices."""
    names = (path.name.removeprefix("loop") for path in _DEVICES.glob("loop*"))
    return any(name == "-control" or name.isdigit() for name in names)


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
