"""Moving a running instance to another node.

The order of calls is Ganeti's: ``migration_info`` (source), ``accept_instance`` (target), ``migrate_instance`` (source),
``get_migration_status`` (source, until it is no longer active), ``finalize_migration_source`` and
``finalize_migration_dst``. Both finalizes are called after a failure, too, in no promised order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import command

if TYPE_CHECKING:
    from hvcore.model.instance import Instance
    from hvcore.model.migration import MigrationStatus

__all__ = ["MigrationSpec"]


class MigrationSpec:
    """Both sides of a migration."""

    @command(since="1.0")
    def can_migrate(self) -> bool:
        """Tell whether this hypervisor can migrate instances at all.

        Answered by: the driver; ``BaseHypervisor`` answers with its ``CAN_MIGRATE``.

        Args:
            none.

        Returns:
            True when ``migrate_instance`` is worth calling.

        Raises:
            nothing.

        Source: Ganeti ``CAN_MIGRATE``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def versions_safe_for_migration(self, source: tuple[int, ...], target: tuple[int, ...]) -> bool:
        """Tell whether an instance may move between two versions of the hypervisor.

        Answered by: the driver; ``BaseHypervisor`` demands equal versions.

        Args:
            source: the version on the source node, as in ``NodeInfo.hv_version``.
            target: the version on the target node.

        Returns:
            True when the move is safe.

        Raises:
            nothing.

        Source: Ganeti ``VersionsSafeForMigration``, since Ganeti 2.13.
        """
        raise NotImplementedError

    @command(since="1.0")
    def migration_info(self, instance: Instance) -> str:
        """Describe a running instance for the target node; the first call, on the source.

        Answered by: the driver; ``BaseHypervisor`` has nothing to say.

        Args:
            instance: the definition of the running instance.

        Returns:
            Text that only the same hypervisor's ``accept_instance`` understands.

        Raises:
            OperationFailed: the instance cannot be described.

        Source: Ganeti ``MigrationInfo``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def accept_instance(self, instance: Instance, info: str, target: str) -> None:
        """Prepare the target node to receive an instance.

        Answered by: the driver; ``BaseHypervisor`` has nothing to prepare.

        Args:
            instance: the definition of the instance.
            info: what ``migration_info`` said on the source.
            target: the address of the target node.

        Returns:
            Nothing.

        Raises:
            OperationFailed: this node cannot take the instance; the migration is aborted.

        Source: Ganeti ``AcceptInstance``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def migrate_instance(self, cluster_name: str, instance: Instance, target: str, live: bool) -> None:
        """Begin to move an instance, on the source; return once the transfer has begun.

        Answered by: the driver.

        Args:
            cluster_name: the name that the nodes' keys are known under.
            instance: the definition of the running instance.
            target: the address of the target node.
            live: keep the guest running while it moves.

        Returns:
            Nothing.

        Raises:
            OperationFailed: the transfer could not begin.

        Source: Ganeti ``MigrateInstance``; ``cluster_name`` since Ganeti 2.9.
        """
        raise NotImplementedError

    @command(since="1.0")
    def get_migration_status(self, instance: Instance) -> MigrationStatus:
        """Tell how far a migration is, on the source; asked about once a second.

        Answered by: the driver.

        Args:
            instance: the definition of the instance that moves.

        Returns:
            The phase, and the bytes moved and in total when they are known.

        Raises:
            OperationFailed: the status is not to be had; the migration is aborted.

        Source: Ganeti ``GetMigrationStatus``, since Ganeti 2.6.
        """
        raise NotImplementedError

    @command(since="1.0")
    def finalize_migration_source(self, instance: Instance, success: bool, live: bool) -> None:
        """End a migration on the source: forget the instance after success, keep it after failure.

        Answered by: the driver.

        Args:
            instance: the definition of the instance.
            success: whether it arrived.
            live: whether it moved while running.

        Returns:
            Nothing.

        Raises:
            OperationFailed: the source could not be put in order.

        Source: Ganeti ``FinalizeMigrationSource``, since Ganeti 2.6.
        """
        raise NotImplementedError

    @command(since="1.0")
    def finalize_migration_dst(self, instance: Instance, info: str, success: bool) -> None:
        """End a migration on the target: keep the instance after success, remove every trace after failure.

        Answered by: the driver.

        Args:
            instance: the definition of the instance.
            info: what ``migration_info`` said on the source.
            success: whether it arrived.

        Returns:
            Nothing.

        Raises:
            OperationFailed: the target could not be put in order.

        Source: Ganeti ``FinalizeMigrationDst``, since Ganeti 2.6.
        """
        raise NotImplementedError
