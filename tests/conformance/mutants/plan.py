from __future__ import annotations

import os
from typing import Any

from attrs import evolve
from mutation import breaks

from hvcore.fake.driver import FakeDriver
from hvcore.plugin import hookimpl


@breaks("plan-touches-nothing", "a plan makes the instance's directory")
class PlansOnDisk(FakeDriver):
    @hookimpl
    def plan_start(self, instance: Any, block_devices: Any, startup_paused: bool) -> Any:
        self._machine(instance.name).files.make_directory()
        return super().plan_start(instance, block_devices, startup_paused)


@breaks("plan-touches-nothing", "a plan starts the instance")
class PlansByDoing(FakeDriver):
    @hookimpl
    def plan_start(self, instance: Any, block_devices: Any, startup_paused: bool) -> Any:
        self.start_instance(instance, block_devices, startup_paused)
        return super().plan_start(instance, block_devices, startup_paused)


class PlansOtherwise(FakeDriver):
    changes: dict[str, Any]

    @hookimpl
    def plan_start(self, instance: Any, block_devices: Any, startup_paused: bool) -> Any:
        return evolve(super().plan_start(instance, block_devices, startup_paused), **self.changes)


@breaks("plan-names-its-steps", "a plan has no steps")
class PlansNothing(PlansOtherwise):
    changes = {"steps": ()}


@breaks("plan-names-its-steps", "a plan names another instance")
class PlansForAnother(PlansOtherwise):
    changes = {"instance": "web2"}


@breaks("plan-is-repeatable", "a plan holds a random word")
class PlansAtRandom(FakeDriver):
    @hookimpl
    def plan_start(self, instance: Any, block_devices: Any, startup_paused: bool) -> Any:
        plan = super().plan_start(instance, block_devices, startup_paused)
        return evolve(plan, documents={"/x": os.urandom(8).hex()})
