"""What a node needs to run chroots, looked at without changing anything."""

from __future__ import annotations

import os

from hvcore.errors import MissingRequirement
from hvcore.model.verify import Finding
from hvcore.system.findings import directory_finding, root_finding, tool_finding
from hvcore_chroot.groups import NO_FREEZER, Groups
from hvcore_chroot.paths import ChrootPaths

__all__ = ["findings", "require_root"]

_TOOLS = {
    "chroot": "install coreutils",
    "env": "install coreutils",
    "/bin/sh": "install a shell, such as dash",
    "mount": "install util-linux, as in: apt-get install mount",
}


def require_root() -> None:
    """Raise MissingRequirement when a start could not succeed, with one clear reason."""
    if os.geteuid() != 0:
        raise MissingRequirement(
            "chroots are started by root", resolution="run it as root; 'fake' is a hypervisor that needs no root"
        )


def findings(paths: ChrootPaths, groups: Groups) -> tuple[Finding, ...]:
    """Return what was found on this node, each with its remedy."""
    return (
        *(tool_finding(tool, remedy, essential=tool == "chroot") for tool, remedy in _TOOLS.items()),
        root_finding(),
        _freezer(groups),
        directory_finding("state directory", paths.state_dir, "HVCORE_STATE_DIR"),
        directory_finding("log directory", paths.log_dir, "HVCORE_LOG_DIR"),
    )


def _freezer(groups: Groups) -> Finding:
    """All but pausing works without one, so its lack is told and is no fault."""
    if groups.home is None:
        return Finding(
            "cgroup freezer", True, f"{NO_FREEZER}: instances cannot be paused, and are found by their root alone"
        )
    version = "" if "freezer" in groups.layout.controllers else " (version 2)"
    return Finding("cgroup freezer", True, f"{groups.home}{version}")
