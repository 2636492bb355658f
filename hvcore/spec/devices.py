"""Changing the devices of a running instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import command

if TYPE_CHECKING:
    from hvcore.model.devices import DeviceAction, DeviceType, HotplugExtra
    from hvcore.model.instance import Disk, Instance, Nic

__all__ = ["DevicesSpec"]


class DevicesSpec:
    """Hotplug and growing disks."""

    @command(since="1.0")
    def resize_disk(self, instance: Instance, disk: Disk, new_size_bytes: int) -> None:
        """Tell a running instance that a disk has a new size.

        Answered by: the driver.

        Args:
            instance: the definition of the running instance.
            disk: which disk.
            new_size_bytes: its size now, in bytes (the only size of the contract that is not in MiB).

        Returns:
            Nothing.

        Raises:
            HotplugError: the guest cannot be told.

        Source: Ganeti ``ResizeDisk``, since Ganeti 3.1.
        """
        raise NotImplementedError

    @command(since="1.0")
    def hot_add_device(
        self, instance: Instance, device_type: DeviceType, device: Disk | Nic, extra: HotplugExtra | None, sequence: int
    ) -> str:
        """Add a device to a running instance.

        Answered by: the driver.

        Args:
            instance: the definition of the running instance.
            device_type: disk or nic.
            device: the new device.
            extra: where the node finds a disk; None for a NIC.
            sequence: its place among the devices of its type, counted from 0.

        Returns:
            What the hypervisor calls the device.

        Raises:
            HotplugError: it could not be added.

        Source: Ganeti ``HotAddDevice``, since Ganeti 2.10.
        """
        raise NotImplementedError

    @command(since="1.0")
    def hot_del_device(
        self, instance: Instance, device_type: DeviceType, device: Disk | Nic, extra: HotplugExtra | None, sequence: int
    ) -> None:
        """Take a device from a running instance.

        Answered by: the driver.

        Args:
            instance: the definition of the running instance.
            device_type: disk or nic.
            device: the device to take.
            extra: where the node finds a disk; None for a NIC.
            sequence: its place among the devices of its type, counted from 0.

        Returns:
            Nothing.

        Raises:
            HotplugError: it could not be taken.

        Source: Ganeti ``HotDelDevice``, since Ganeti 2.10.
        """
        raise NotImplementedError

    @command(since="1.0")
    def hot_mod_device(
        self, instance: Instance, device_type: DeviceType, device: Disk | Nic, extra: HotplugExtra | None, sequence: int
    ) -> str:
        """Change a device of a running instance.

        Answered by: the driver.

        Args:
            instance: the definition of the running instance.
            device_type: disk or nic.
            device: the device as it shall be.
            extra: where the node finds a disk; None for a NIC.
            sequence: its place among the devices of its type, counted from 0.

        Returns:
            What the hypervisor calls the device now.

        Raises:
            HotplugError: it could not be changed.

        Source: Ganeti ``HotModDevice``, since Ganeti 2.10.
        """
        raise NotImplementedError

    @command(since="1.0")
    def verify_hotplug_support(self, instance: Instance, action: DeviceAction, device_type: DeviceType) -> None:
        """Check that a running instance can take one kind of change.

        Answered by: the driver.

        Args:
            instance: the definition of the running instance.
            action: add, remove or modify.
            device_type: disk or nic.

        Returns:
            Nothing.

        Raises:
            HotplugError: it cannot, with the reason.

        Source: Ganeti ``VerifyHotplugSupport``, since Ganeti 2.10.
        """
        raise NotImplementedError

    @command(since="1.0")
    def hotplug_supported(self, instance: Instance) -> None:
        """Check that a running instance can take any change of devices at all.

        Answered by: the driver.

        Args:
            instance: the definition of the running instance.

        Returns:
            Nothing.

        Raises:
            HotplugError: it cannot, with the reason.

        Source: Ganeti ``HotplugSupported``, since Ganeti 2.10.
        """
        raise NotImplementedError
