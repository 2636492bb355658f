"""The verbs for migration and hotplug, which most callers never need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.devices import DevicesSpec
from hvcore.spec.migration import MigrationSpec

if TYPE_CHECKING:
    from hvcore.context import DriverContext
    from hvcore.model.devices import DeviceAction, DeviceType, HotplugExtra
    from hvcore.model.instance import Disk, Instance, Nic
    from hvcore.model.migration import MigrationStatus
    from hvcore.scope import Scope

__all__ = ["DeviceVerbs", "MigrationVerbs"]


class _Verbs:
    """What the verbs stand on; ``Hypervisor`` provides it."""

    scope: Scope
    context: DriverContext

    def _definition(self, instance: Instance | str) -> Instance:
        raise NotImplementedError


class MigrationVerbs(_Verbs):
    """Both sides of a migration; the order of the calls is told in ``hvcore.spec.migration``."""

    @property
    def can_migrate(self) -> bool:
        """Whether this hypervisor can migrate instances at all."""
        return self.scope.command(MigrationSpec.can_migrate)

    def versions_safe_for_migration(self, source: tuple[int, ...], target: tuple[int, ...]) -> bool:
        """Tell whether an instance may move from one version of the hypervisor to another."""
        return self.scope.command(MigrationSpec.versions_safe_for_migration, source=source, target=target)

    def migration_info(self, instance: Instance | str) -> str:
        """Describe a running instance for the target node."""
        return self.scope.command(MigrationSpec.migration_info, instance=self._definition(instance))

    def accept_instance(self, instance: Instance, info: str, target: str) -> None:
        """Prepare this node to receive an instance.

        Args:
            instance: its definition.
            info: what ``migration_info`` said on the source.
            target: this node's address.
        """
        known = self._definition(instance)
        with self.context.locks.hold(known.name, "accept_instance"):
            self.scope.command(MigrationSpec.accept_instance, instance=known, info=info, target=target)

    def migrate_instance(
        self, instance: Instance | str, target: str, live: bool = True, cluster_name: str = ""
    ) -> None:
        """Begin to move an instance to another node; return once the transfer has begun.

        Args:
            instance: its definition or its name.
            target: the address of the target node.
            live: keep the guest running while it moves.
            cluster_name: the name that the nodes' keys are known under.
        """
        known = self._definition(instance)
        with self.context.locks.hold(known.name, "migrate_instance"):
            self.scope.command(
                MigrationSpec.migrate_instance, cluster_name=cluster_name, instance=known, target=target, live=live
            )

    def get_migration_status(self, instance: Instance | str) -> MigrationStatus:
        """Tell how far a migration is."""
        return self.scope.command(MigrationSpec.get_migration_status, instance=self._definition(instance))

    def finalize_migration_source(self, instance: Instance | str, success: bool, live: bool = True) -> None:
        """End a migration on the source: forget the instance after success, keep it after failure."""
        known = self._definition(instance)
        with self.context.locks.hold(known.name, "finalize_migration_source"):
            self.scope.command(MigrationSpec.finalize_migration_source, instance=known, success=success, live=live)

    def finalize_migration_dst(self, instance: Instance | str, info: str, success: bool) -> None:
        """End a migration on the target: keep the instance after success, remove every trace after failure."""
        known = self._definition(instance)
        with self.context.locks.hold(known.name, "finalize_migration_dst"):
            self.scope.command(MigrationSpec.finalize_migration_dst, instance=known, info=info, success=success)


class DeviceVerbs(_Verbs):
    """Changing the devices of a running instance."""

    def resize_disk(self, instance: Instance | str, disk: Disk, new_size_bytes: int) -> None:
        """Tell a running instance that a disk has a new size, in bytes."""
        known = self._definition(instance)
        with self.context.locks.hold(known.name, "resize_disk"):
            self.scope.command(DevicesSpec.resize_disk, instance=known, disk=disk, new_size_bytes=new_size_bytes)

    def hot_add_device(
        self,
        instance: Instance | str,
        device_type: DeviceType,
        device: Disk | Nic,
        sequence: int,
        extra: HotplugExtra | None = None,
    ) -> str:
        """Add a device to a running instance and return what the hypervisor calls it."""
        known = self._definition(instance)
        with self.context.locks.hold(known.name, "hot_add_device"):
            return self.scope.command(
                DevicesSpec.hot_add_device,
                instance=known,
                device_type=device_type,
                device=device,
                extra=extra,
                sequence=sequence,
            )

    def hot_del_device(
        self,
        instance: Instance | str,
        device_type: DeviceType,
        device: Disk | Nic,
        sequence: int,
        extra: HotplugExtra | None = None,
    ) -> None:
        """Take a device from a running instance."""
        known = self._definition(instance)
        with self.context.locks.hold(known.name, "hot_del_device"):
            self.scope.command(
                DevicesSpec.hot_del_device,
                instance=known,
                device_type=device_type,
                device=device,
                extra=extra,
                sequence=sequence,
            )

    def hot_mod_device(
        self,
        instance: Instance | str,
        device_type: DeviceType,
        device: Disk | Nic,
        sequence: int,
        extra: HotplugExtra | None = None,
    ) -> str:
        """Change a device of a running instance and return what the hypervisor calls it now."""
        known = self._definition(instance)
        with self.context.locks.hold(known.name, "hot_mod_device"):
            return self.scope.command(
                DevicesSpec.hot_mod_device,
                instance=known,
                device_type=device_type,
                device=device,
                extra=extra,
                sequence=sequence,
            )

    def verify_hotplug_support(self, instance: Instance | str, action: DeviceAction, device_type: DeviceType) -> None:
        """Check that a running instance can take one kind of change."""
        self.scope.command(
            DevicesSpec.verify_hotplug_support,
            instance=self._definition(instance),
            action=action,
            device_type=device_type,
        )

    def hotplug_supported(self, instance: Instance | str) -> None:
        """Check that a running instance can take any change of devices at all."""
        self.scope.command(DevicesSpec.hotplug_supported, instance=self._definition(instance))
