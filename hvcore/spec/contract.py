"""The whole contract, gathered: what every hypervisor's scope knows."""

from __future__ import annotations

from hvcore.spec.configuration import ConfigurationSpec
from hvcore.spec.console import ConsoleSpec
from hvcore.spec.devices import DevicesSpec
from hvcore.spec.events import EventsSpec
from hvcore.spec.files import FilesSpec
from hvcore.spec.inventory import InventorySpec
from hvcore.spec.lifecycle import LifecycleSpec
from hvcore.spec.migration import MigrationSpec
from hvcore.spec.node import NodeSpec
from hvcore.spec.notices import NoticesSpec
from hvcore.spec.params import ParamsSpec
from hvcore.spec.stats import StatsSpec
from hvcore.spec.versions import CONTRACT_VERSION

__all__ = ["CONTRACT_SPECS", "CONTRACT_VERSION"]

CONTRACT_SPECS: tuple[type, ...] = (
    LifecycleSpec,
    InventorySpec,
    StatsSpec,
    EventsSpec,
    ConsoleSpec,
    MigrationSpec,
    NodeSpec,
    FilesSpec,
    ParamsSpec,
    DevicesSpec,
    ConfigurationSpec,
    NoticesSpec,
)
"""One class of hook specifications per domain."""
