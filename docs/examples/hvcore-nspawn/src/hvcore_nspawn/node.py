"""What a node needs, looked at without changing anything."""

from __future__ import annotations

import os
import re
import shutil

from hvcore.errors import OperationFailed
from hvcore.plugin import Finding
from hvcore.system import CgroupLayout, Runner, current_layout
from hvcore_nspawn.groups import CONTROLLERS

__all__ = ["findings", "nspawn_version"]

_INSTALL = "install systemd-nspawn, as in: apt-get install systemd-container"
_OLDEST = 240
_VERSION = re.compile(r"systemd (\d+)")
_TIMEOUT_S = 10.0


def nspawn_version(runner: Runner) -> tuple[int, ...]:
    """Ask systemd-nspawn for its version, such as (252,).

    Raises:
        MissingRequirement: it is not installed.
        OperationFailed: it answered something else.
    """
    said = runner.run(["systemd-nspawn", "--version"], timeout_s=_TIMEOUT_S).stdout
    match = _VERSION.match(said)
    if match is None:
        raise OperationFailed(f"systemd-nspawn --version said {said[:60]!r}", resolution=_INSTALL)
    return (int(match[1]),)


def findings(runner: Runner, layout: CgroupLayout | None = None) -> tuple[Finding, ...]:
    """Return what was found on this node, each with its remedy."""
    return (*_tools(runner), _root(), *_controllers(current_layout() if layout is None else layout))


def _tools(runner: Runner) -> list[Finding]:
    path = shutil.which("systemd-nspawn")
    if path is None:
        return [Finding("systemd-nspawn", False, "systemd-nspawn is not installed", _INSTALL, essential=True)]
    (number,) = nspawn_version(runner)
    is_new = number >= _OLDEST
    others = {tool: shutil.which(tool) for tool in ("nsenter", "setpriv")}
    return [
        Finding("systemd-nspawn", True, path),
        Finding("version", is_new, f"systemd {number}", "" if is_new else f"update it to {_OLDEST} or newer"),
        *(
            Finding(tool, found is not None, found or f"{tool} is not installed", "" if found else "install util-linux")
            for tool, found in others.items()
        ),
    ]


def _root() -> Finding:
    is_root = os.geteuid() == 0
    return Finding(
        "root", is_root, "runs as root" if is_root else "does not run as root", "" if is_root else "use sudo"
    )


def _controllers(layout: CgroupLayout) -> list[Finding]:
    found: list[Finding] = []
    for name in CONTROLLERS:
        is_built_in = name in {"cpuacct", "freezer"} and layout.unified is not None
        where = layout.controllers.get(name) or (
            layout.unified if is_built_in or name in layout.unified_controllers else None
        )
        detail = f"{name} at {where}" if where else f"there is no {name} cgroup controller"
        found.append(Finding(f"cgroup {name}", where is not None, detail, "" if where else "enable it in the kernel"))
    return found
