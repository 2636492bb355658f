"""What the entry point names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.plugin import HypervisorPlugin

if TYPE_CHECKING:
    from hvcore.plugin import BaseHypervisor, DriverContext

__all__ = ["plugin"]


def _driver(context: DriverContext) -> BaseHypervisor:
    from hvcore.fake.driver import FakeDriver

    return FakeDriver(context)


plugin = HypervisorPlugin(
    name="fake",
    summary="simulated instances, kept in files; needs neither root nor tools",
    driver=_driver,
    contract="1.0",
)
