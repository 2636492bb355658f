"""What a node needs to run containers, looked at without changing anything."""

from __future__ import annotations

import os

from hvcore.context import DriverContext
from hvcore.errors import HypervisorError, MissingRequirement
from hvcore.model.verify import Finding, VerifyReport
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode, current_layout
from hvcore.system.commands import Runner, find_program
from hvcore.system.findings import directory_finding, root_finding, tool_finding
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.tools import lxc_version

__all__ = [
    "CONTROLLERS",
    "INSTALL",
    "MOUNT_CGROUPS",
    "NEEDS_ROOT",
    "controller_finding",
    "examine",
    "require_root_and_tools",
    "runs_as_root",
    "version_finding",
]

CONTROLLERS = ("memory", "cpu", "cpuset", "devices", "freezer")
"""The controllers that containers need."""

INSTALL = "install LXC, as in: apt-get install lxc"
"""What to do where LXC is missing."""

MOUNT_CGROUPS = "mount cgroup2 on /sys/fs/cgroup"
"""What to do where no cgroup hierarchy is mounted."""

NEEDS_ROOT = "run it as root; 'fake' is a hypervisor that needs no root"
"""What to do where root is missing."""

_TOOLS = ("lxc-start", "lxc-attach", "lxc-console")
_OLDEST = (4, 0)
# What version 2 does in every cgroup, without a controller.
_BUILT_IN = ("devices", "freezer")


def require_root_and_tools() -> None:
    """Raise MissingRequirement when a start could not succeed, with one clear reason."""
    if not runs_as_root():
        raise MissingRequirement("containers are started by root", resolution=NEEDS_ROOT)
    if find_program("lxc-start") is None:
        raise MissingRequirement("lxc-start is not installed", resolution=INSTALL)


def examine(context: DriverContext, paths: LxcPaths) -> VerifyReport:
    """Return what was found on this node, each with its remedy, and the versions."""
    layout = current_layout()
    tools = [tool_finding(tool, INSTALL, essential=tool == "lxc-start") for tool in _TOOLS]
    version, number = version_finding(context.runner) if tools[0].ok else (None, "")
    findings = (
        *tools,
        *([version] if version else []),
        root_finding(),
        *_cgroups(layout),
        directory_finding("state directory", paths.lxcpath, "HVCORE_STATE_DIR"),
        directory_finding("log directory", paths.log_dir, "HVCORE_LOG_DIR"),
    )
    versions = {"kernel": os.uname().release, "cgroups": layout.mode.value}
    return VerifyReport(context.name, findings, {"lxc": number, **versions} if number else versions)


def runs_as_root() -> bool:
    """Tell whether the caller is root."""
    return os.geteuid() == 0


def version_finding(runner: Runner) -> tuple[Finding, str]:
    """Return what was found of LXC's version, and the version; "" when LXC does not tell."""
    try:
        version = lxc_version(runner)
    except HypervisorError as error:
        return Finding("LXC version", False, error.message, error.resolution or INSTALL), ""
    text = ".".join(map(str, version))
    if version < _OLDEST:
        return Finding("LXC version", False, f"LXC {text} is too old", "update to LXC 4.0 or newer"), text
    return Finding("LXC version", True, text), text


def _cgroups(layout: CgroupLayout) -> list[Finding]:
    if layout.mode is CgroupMode.NONE:
        return [Finding("cgroups", False, "no cgroup hierarchy is mounted", MOUNT_CGROUPS)]
    found = [Finding("cgroups", True, f"{layout.mode.value}")]
    return found + [controller_finding(controller, layout) for controller in CONTROLLERS]


def controller_finding(controller: str, layout: CgroupLayout) -> Finding:
    """Return where a controller is, or why it cannot be used."""
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
