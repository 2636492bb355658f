"""The hypervisor as its entry point hands it over."""

from __future__ import annotations

from collections.abc import Sequence

from hvcore.base import BaseHypervisor
from hvcore.context import DriverContext
from hvcore.plugin import HypervisorPlugin
from hvcore_lxc.spec import LxcSteps

__all__ = ["plugin"]


def _driver(context: DriverContext) -> BaseHypervisor:
    from hvcore_lxc.driver import LxcDriver

    return LxcDriver(context)


def _defaults(context: DriverContext) -> Sequence[object]:
    from hvcore_lxc.defaults import DefaultSteps

    return [DefaultSteps(context)]


plugin = HypervisorPlugin(
    name="lxc",
    summary="Linux containers, through LXC",
    driver=_driver,
    steps=(LxcSteps,),
    defaults=_defaults,
    contract="1.0",
)
"""What the entry point ``lxc`` of the group ``hvcore.hypervisors`` names."""
