"""Which hypervisor plays the tour, and why not the real one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from hvcore.errors import HypervisorError, MissingRequirement
from hvcore.model.verify import VerifyStatus
from hvcore.system.commands import find_program

if TYPE_CHECKING:
    from hvcore.host import Host

__all__ = ["EMBEDDED", "REAL", "Choice", "choose"]

REAL = "lxc"
EMBEDDED = "fake"


class Choice(NamedTuple):
    """The hypervisor that plays.

    Attributes:
        name: its name.
        reason: why the real one does not; "" when it does, or when the user asked for another.
    """

    name: str
    reason: str = ""


def choose(host: Host, wanted: str | None) -> Choice:
    """Choose the real hypervisor where it can run, else the embedded one.

    Args:
        host: the host of the tour.
        wanted: the hypervisor that the user named, or None.

    Raises:
        MissingRequirement: the user wants real containers, and they cannot run here.
        UnknownHypervisor: the user wants what is not installed.
    """
    if wanted is not None and wanted != REAL:
        host.hypervisor(wanted)
        return Choice(wanted)
    reason, remedy = _obstacle(host)
    if not reason:
        return Choice(REAL)
    if wanted == REAL:
        raise MissingRequirement(f"real containers cannot run here: {reason}", hypervisor=REAL, resolution=remedy)
    return Choice(EMBEDDED, f"{reason} (to see real containers: {remedy})")


def _obstacle(host: Host) -> tuple[str, str]:
    """Return what keeps real containers from running here, and what to do about it; two empty texts when nothing does."""
    from hvcore.testing.busybox import find_busybox

    if REAL not in host.hypervisor_names:
        return "the plugin for LXC is not installed or not enabled", f"pip install 'hvcore[{REAL}]'"
    if os.geteuid() != 0:
        return "real containers need root", "run this as root"
    if find_program("lxc-start") is None:
        return "LXC is not installed", "apt-get install lxc"
    try:
        find_busybox()
        report = host.hypervisor(REAL).verify()
    except HypervisorError as error:
        return error.message, error.resolution or "'hv plugins' shows what is wrong"
    if report.status is VerifyStatus.UNDETECTED:
        return report.text() or "LXC was not detected", f"'hv verify -H {REAL}' says what to mend"
    return "", ""
