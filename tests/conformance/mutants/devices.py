"""Hotplug and growing disks."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from mutation import breaks

from hvcore.errors import HotplugError, NotRunning
from hvcore.fake.driver import FakeDriver
from hvcore.plugin import hookimpl


@breaks("hotplug-of-what-runs", "hotplug is supported and never possible")
class PlugsNever(FakeDriver):
    @hookimpl
    def hotplug_supported(self, instance: Any) -> None:
        raise HotplugError("not today")


@breaks("hotplug-of-what-does-not-run", "hotplug is always possible")
class PlugsAlways(FakeDriver):
    @hookimpl
    def hotplug_supported(self, instance: Any) -> None:
        pass


@breaks("hotplug-of-what-does-not-run", "every change is always possible")
class ChangesAlways(FakeDriver):
    @hookimpl
    def verify_hotplug_support(self, instance: Any, action: Any, device_type: Any) -> None:
        pass


@breaks("hotplug-says-what-is-possible", "a change is not possible, and nothing says why")
class RefusesWithoutAWord(FakeDriver):
    @hookimpl
    def verify_hotplug_support(self, instance: Any, action: Any, device_type: Any) -> None:
        if device_type == "nic":
            raise HotplugError("")


class Plugs(FakeDriver):
    """A driver that does wrong with one type of device."""

    wrong_type = "disk"

    def wrong(self, instance: Any) -> str:
        raise NotImplementedError

    @hookimpl
    def hot_add_device(self, instance: Any, device_type: Any, device: Any, extra: Any, sequence: int) -> str:
        if device_type == self.wrong_type:
            return self.wrong(instance)
        return super().hot_add_device(instance, device_type, device, extra, sequence)


@breaks("hotplug-adds-a-disk", "a new disk has no name")
class NamesNoDisk(Plugs):
    def wrong(self, instance: Any) -> str:
        return ""


@breaks("hotplug-adds-a-nic", "a new nic has no name")
class NamesNoNic(NamesNoDisk):
    wrong_type = "nic"


@breaks("hotplug-takes-a-disk", "a disk is added in name only")
class AddsDisksInName(Plugs):
    def wrong(self, instance: Any) -> str:
        return "disk1"


@breaks("hotplug-takes-a-nic", "a nic is added in name only")
@breaks("hotplug-adds-to-what-runs", "a nic is added to what does not run")
class AddsNicsInName(AddsDisksInName):
    wrong_type = "nic"


@breaks("hotplug-takes-a-disk", "what is taken away stays")
@breaks("hotplug-takes-a-nic", "what is taken away stays")
class TakesInName(FakeDriver):
    @hookimpl
    def hot_del_device(self, instance: Any, device_type: Any, device: Any, extra: Any, sequence: int) -> None:
        pass


@breaks("hotplug-changes-a-nic", "a changed nic has no name")
class ChangesAndForgets(FakeDriver):
    @hookimpl
    def hot_mod_device(self, instance: Any, device_type: Any, device: Any, extra: Any, sequence: int) -> str:
        super().hot_mod_device(instance, device_type, device, extra, sequence)
        return ""


@breaks("hotplug-changes-what-is-there", "what is not there is changed all the same")
class ChangesAnything(FakeDriver):
    @hookimpl
    def hot_mod_device(self, instance: Any, device_type: Any, device: Any, extra: Any, sequence: int) -> str:
        with suppress(HotplugError):
            super().hot_mod_device(instance, device_type, device, extra, sequence)
        return f"{device_type}{sequence}"


@breaks("hotplug-keeps-the-guest", "a new nic pauses the guest")
class PausesForANic(Plugs):
    wrong_type = "nic"

    def wrong(self, instance: Any) -> str:
        self.pause_instance(instance.name)
        return "nic0"


@breaks("hotplug-leaves-nothing", "a file of each nic stays")
class LeavesNics(Plugs):
    wrong_type = "nic"

    def wrong(self, instance: Any) -> str:
        (self.context.state_dir / f"{instance.name}.nic0").touch()
        return "nic0"


@breaks("resize-disk-of-what-runs", "no disk ever grows")
class NeverGrows(FakeDriver):
    @hookimpl
    def resize_disk(self, instance: Any, disk: Any, new_size_bytes: int) -> None:
        raise HotplugError("the guest cannot be told")


@breaks("resize-disk-of-what-runs", "a resize ends the instance")
class GrowsToDeath(FakeDriver):
    @hookimpl
    def resize_disk(self, instance: Any, disk: Any, new_size_bytes: int) -> None:
        self.stop_instance(None, instance.name, True, False, None)


@breaks("resize-disk-of-what-is-not-there", "any disk of any instance grows")
class GrowsAnything(FakeDriver):
    @hookimpl
    def resize_disk(self, instance: Any, disk: Any, new_size_bytes: int) -> None:
        pass


@breaks("resize-disk-of-what-is-not-there", "only the instance is looked at, not its disks")
class GrowsAnyDisk(FakeDriver):
    @hookimpl
    def resize_disk(self, instance: Any, disk: Any, new_size_bytes: int) -> None:
        with suppress(NotRunning):
            self.hotplug_supported(instance)
