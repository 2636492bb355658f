"""What a node needs to run containers, looked at without changing anything."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from hvcore.context import DriverContext
from hvcore.errors import HypervisorError, MissingRequirement
from hvcore.model.verify import Finding
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode, current_layout
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.tools import lxc_version

__all__ = ["findings", "require_root_and_tools"]

_TOOLS = ("lxc-start", "lxc-attach", "lxc-console")
_OLDEST = (4, 0)
_INSTALL = "install LXC, as in: apt-get install lxc"
_CONTROLLERS = ("memory", "cpu", "cpuset")
# What version 2 does in every cgroup, without a controller.
_BUILT_IN = ("devices", "freezer")


def require_root_and_tools() -> None:
    """Raise MissingRequirement when a start could not succeed, with one clear reason."""
    if os.geteuid() != 0:
        raise MissingRequirement(
            "containers are started by root", resolution="run it as root; 'fake' is a hypervisor that needs no root"
        )
    if shutil.which("lxc-start") is None:
        raise MissingRequirement("lxc-start is not installed", resolution=_INSTALL)


def findings(context: DriverContext, paths: LxcPaths) -> tuple[Finding, ...]:
    """Return what was found on this node, each with its remedy."""
    layout = current_layout()
    tools = [
        Finding(
            tool,
            path is not None,
            path or f"{tool} is not installed",
            "" if path else _INSTALL,
            essential=tool == "lxc-start",
        )
        for tool, path in ((tool, shutil.which(tool)) for tool in _TOOLS)
    ]
    return (
        *tools,
        *([_version(context)] if tools[0].ok else []),
        _root(),
        *_cgroups(layout),
        _directory("state directory", paths.lxcpath, "HVCORE_STATE_DIR"),
        _directory("log directory", paths.log_dir, "HVCORE_LOG_DIR"),
    )


def _version(context: DriverContext) -> Finding:
    try:
        version = lxc_version(context.runner)
    except HypervisorError as error:
        return Finding("LXC version", False, error.message, error.resolution or _INSTALL)
    text = ".".join(map(str, version))
    if version < _OLDEST:
        return Finding("LXC version", False, f"LXC {text} is too old", "update to LXC 4.0 or newer")
    return Finding("LXC version", True, text)


def _root() -> Finding:
    is_root = os.geteuid() == 0
    return Finding("root", is_root, "root" if is_root else "not root", "" if is_root else "run it as root")


def _cgroups(layout: CgroupLayout) -> list[Finding]:
    if layout.mode is CgroupMode.NONE:
        remedy = "mount cgroup2 on /sys/fs/cgroup"
        return [Finding("cgroups", False, "no cgroup hierarchy is mounted", remedy)]
    found = [Finding("cgroups", True, f"{layout.mode.value}")]
    return found + [_controller(controller, layout) for controller in (*_CONTROLLERS, *_BUILT_IN)]


def _controller(controller: str, layout: CgroupLayout) -> Finding:
    name = f"cgroup {controller}"
    where = layout.controllers.get(controller)
    version = ""
    if where is None and (controller in layout.unified_controllers or controller in _BUILT_IN):
        where, version = layout.unified, " (version 2)"
    if where is None:
        return Finding(name, False, f"no {controller} controller", "enable it on the kernel's command line")
    if where in layout.read_only:
        return Finding(name, False, f"{where} is read-only", f"mount {where} writable")
    return Finding(name, True, f"{where}{version}")


def _directory(name: str, path: Path, variable: str) -> Finding:
    """Look whether a directory can be written, or made when it is missing."""
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
