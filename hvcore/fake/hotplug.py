"""The driver's answers about devices of a running instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.plugin import BaseHypervisor, hookimpl

if TYPE_CHECKING:
    from hvcore.fake.machine import Machine
    from hvcore.model.devices import DeviceAction, DeviceType, HotplugExtra
    from hvcore.model.instance import Disk, Instance, Nic

__all__ = ["HotplugDriver"]


class HotplugDriver(BaseHypervisor):
    """What of fake changes devices; the rest is ``FakeDriver``."""

    @hookimpl
    def resize_disk(self, instance: Instance, disk: Disk, new_size_bytes: int) -> None:
        """Remember the size; a disk never shrinks."""
        from hvcore.fake.devices import resize

        resize(self._machine(instance.name), disk, new_size_bytes)

    @hookimpl
    def hot_add_device(
        self, instance: Instance, device_type: DeviceType, device: Disk | Nic, extra: HotplugExtra | None, sequence: int
    ) -> str:
        """Add it to the saved definition; it is called by its type and place, such as ``disk1``."""
        from hvcore.fake.devices import add

        return add(self._machine(instance.name), device_type, device, sequence)

    @hookimpl
    def hot_del_device(
        self, instance: Instance, device_type: DeviceType, device: Disk | Nic, extra: HotplugExtra | None, sequence: int
    ) -> None:
        """Take it from the saved definition."""
        from hvcore.fake.devices import remove

        remove(self._machine(instance.name), device_type, device, sequence)

    @hookimpl
    def hot_mod_device(
        self, instance: Instance, device_type: DeviceType, device: Disk | Nic, extra: HotplugExtra | None, sequence: int
    ) -> str:
        """Change it in the saved definition."""
        from hvcore.fake.devices import change

        return change(self._machine(instance.name), device_type, device, sequence)

    @hookimpl
    def verify_hotplug_support(self, instance: Instance, action: DeviceAction, device_type: DeviceType) -> None:
        """Look whether the instance runs and stays here; every action and type will do."""
        self.hotplug_supported(instance)

    @hookimpl
    def hotplug_supported(self, instance: Instance) -> None:
        """Look whether the instance runs and stays here."""
        from hvcore.fake.devices import require_hotplug

        require_hotplug(self._machine(instance.name))

    def _machine(self, name: str) -> Machine:
        from hvcore.fake.machine import Machine

        return Machine(self.context, name)
