"""A hypervisor that other processes load, too: nobody takes a lock, and all starts of one name win."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from mutation import breaks

from hvcore.errors import AlreadyRunning
from hvcore.fake.driver import FakeDriver
from hvcore.plugin import HypervisorPlugin, hookimpl


def take_nothing(instance_name: str, operation: str, wait_s: float) -> None:
    """Take no lock."""


@breaks("processes-start-one-name-at-once", "all of several starts win")
class AllWin(FakeDriver):
    PLUGIN_ADDRESS = "mutants.concurrent:plugin"

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        context.locks._acquire = take_nothing

    @hookimpl
    def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
        with suppress(AlreadyRunning):
            super().start_instance(instance, block_devices, startup_paused)


plugin = HypervisorPlugin(name="fake", summary="one of a test's own", driver=AllWin)
