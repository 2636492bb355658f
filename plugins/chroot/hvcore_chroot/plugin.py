"""The hypervisor as its entry point hands it over."""

from __future__ import annotations

from collections.abc import Sequence

from hvcore.base import BaseHypervisor
from hvcore.context import DriverContext
from hvcore.plugin import HypervisorPlugin
from hvcore_chroot.spec import ChrootSteps

__all__ = ["plugin"]


def _driver(context: DriverContext) -> BaseHypervisor:
    from hvcore_chroot.driver import ChrootDriver

    return ChrootDriver(context)


def _defaults(_: DriverContext) -> Sequence[object]:
    from hvcore_chroot.defaults import DefaultSteps

    return [DefaultSteps()]


plugin = HypervisorPlugin(
    name="chroot",
    summary="processes in a mounted root, started and stopped by its own script",
    driver=_driver,
    steps=(ChrootSteps,),
    defaults=_defaults,
    contract="1.0",
)
"""What the entry point ``chroot`` of the group ``hvcore.hypervisors`` names."""
