"""What a node needs to run chroots, looked at without changing anything."""

from __future__ import annotations

import os

from hvcore.context import DriverContext
from hvcore.errors import MissingRequirement
from hvcore.model.verify import Finding, VerifyReport
from hvcore.system.findings import directory_finding, root_finding, tool_finding
from hvcore_chroot.groups import NO_FREEZER, Groups
from hvcore_chroot.paths import ChrootPaths

__all__ = ["NEEDS_ROOT", "TOOLS", "examine", "require_root", "runs_as_root"]

NEEDS_ROOT = "run it as root; 'fake' is a hypervisor that needs no root"
"""What to do where root is missing."""

TOOLS = {
    "chroot": "install coreutils",
    "env": "install coreutils",
    "/bin/sh": "install a shell, such as dash",
    "mount": "install util-linux, as in: apt-get install mount",
}
"""The programs that chroots need, and how to install them."""


def runs_as_root() -> bool:
    """Tell whether the caller is root."""
    return os.geteuid() == 0


def require_root() -> None:
    """Raise MissingRequirement when a start could not succeed, with one clear reason."""
    if not runs_as_root():
        raise MissingRequirement("chroots are started by root", resolution=NEEDS_ROOT)


def examine(context: DriverContext, paths: ChrootPaths, groups: Groups) -> VerifyReport:
    """Return what was found on this node, each with its remedy, and the versions."""
    findings = (
        *(tool_finding(tool, remedy, essential=tool == "chroot") for tool, remedy in TOOLS.items()),
        root_finding(),
        _freezer(groups),
        directory_finding("state directory", paths.state_dir, "HVCORE_STATE_DIR"),
        directory_finding("log directory", paths.log_dir, "HVCORE_LOG_DIR"),
    )
    return VerifyReport(context.name, findings, {"kernel": os.uname().release, "cgroups": groups.layout.mode.value})


def _freezer(groups: Groups) -> Finding:
    """All but pausing works without one, so its lack is told and is no fault."""
    if groups.home is None:
        return Finding(
            "cgroup freezer", True, f"{NO_FREEZER}: instances cannot be paused, and are found by their root alone"
        )
    version = "" if "freezer" in groups.layout.controllers else " (version 2)"
    return Finding("cgroup freezer", True, f"{groups.home}{version}")
