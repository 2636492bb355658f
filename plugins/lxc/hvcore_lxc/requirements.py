"""What a node needs to run containers, looked at without changing anything."""

from __future__ import annotations

import os
import shutil

from hvcore.context import DriverContext
from hvcore.errors import HypervisorError, MissingRequirement
from hvcore.model.verify import Finding
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode, current_layout
from hvcore.system.findings import directory_finding, root_finding, tool_finding
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
    tools = [tool_finding(tool, _INSTALL, essential=tool == "lxc-start") for tool in _TOOLS]
    return (
        *tools,
        *([_version(context)] if tools[0].ok else []),
        root_finding(),
        *_cgroups(layout),
        directory_finding("state directory", paths.lxcpath, "HVCORE_STATE_DIR"),
        directory_finding("log directory", paths.log_dir, "HVCORE_LOG_DIR"),
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
