"""The hypervisor as its entry point hands it over."""

from __future__ import annotations

from hvcore.plugin import BaseHypervisor, DriverContext, HypervisorPlugin

__all__ = ["plugin"]


def _driver(context: DriverContext) -> BaseHypervisor:
    # Imported late: naming the installed hypervisors needs no driver.
    from hvcore_nspawn.driver import NspawnDriver

    return NspawnDriver(context)


plugin = HypervisorPlugin(
    name="nspawn", summary="Linux containers, through systemd-nspawn", driver=_driver, contract="1.0"
)
"""What the entry point ``nspawn`` of the group ``hvcore.hypervisors`` names."""
