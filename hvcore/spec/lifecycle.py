"""Starting, stopping and everything between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import command

if TYPE_CHECKING:
    from hvcore.model.instance import BlockDevice, Instance
    from hvcore.model.plan import StartPlan
    from hvcore.model.recovery import RecoveryReport

__all__ = ["LifecycleSpec"]


class LifecycleSpec:
    """The life of an instance."""

    @command(since="1.0")
    def start_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> None:
        """Start an instance that is not running and return once it really runs.

        Answered by: the driver.

        Args:
            instance: the definition, with every parameter filled in.
            block_devices: one per disk, in the order of ``instance.disks``; the first is the root.
            startup_paused: freeze the instance before the first instruction of its init.

        Returns:
            Nothing.

        Raises:
            AlreadyRunning: an instance of that name runs.
            OperationFailed: a step failed; every step before it was undone.

        Source: Ganeti ``StartInstance``; ``startup_paused`` since Ganeti 2.5.
        """
        raise NotImplementedError

    @command(since="1.0")
    def plan_start(self, instance: Instance, block_devices: tuple[BlockDevice, ...], startup_paused: bool) -> StartPlan:
        """Say what a start would do, without touching anything.

        Answered by: the driver.

        Args:
            instance: the definition, with every parameter filled in.
            block_devices: one per disk, in the order of ``instance.disks``; the first is the root.
            startup_paused: whether the start would be a paused one.

        Returns:
            The steps in order, and the documents they would write.

        Raises:
            OperationFailed: the start could not be planned.

        Source: hvcore's own.
        """
        raise NotImplementedError

    @command(since="1.0")
    def verify_instance(self, instance: Instance) -> bool:
        """Tell whether a running instance still has all its runtime configuration.

        Answered by: the driver; ``BaseHypervisor`` says True.

        Args:
            instance: the definition of the running instance.

        Returns:
            True when all is there, False when ``restore_instance`` should be called.

        Raises:
            OperationFailed: the check could not be made.

        Source: Ganeti ``VerifyInstance``, since Ganeti 2.16.
        """
        raise NotImplementedError

    @command(since="1.0")
    def restore_instance(self, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> None:
        """Make a running instance's lost runtime configuration again.

        Answered by: the driver; ``BaseHypervisor`` has nothing to restore.

        Args:
            instance: the definition of the running instance.
            block_devices: one per disk, in the order of ``instance.disks``.

        Returns:
            Nothing.

        Raises:
            OperationFailed: it could not be made again.

        Source: Ganeti ``RestoreInstance``, since Ganeti 2.16.
        """
        raise NotImplementedError

    @command(since="1.0")
    def stop_instance(
        self, instance: Instance | None, name: str, force: bool, retry: bool, timeout_s: float | None
    ) -> None:
        """Stop an instance, by asking its init or by force.

        A soft stop asks the guest to shut down and waits; a forced one ends it at once. To stop an instance that is not
        running is no error.

        Answered by: the driver.

        Args:
            instance: the definition when the caller has it, with every parameter filled in; otherwise None.
            name: the instance's name; enough by itself.
            force: end the instance without asking it.
            retry: the guest was asked before in the same shutdown.
            timeout_s: seconds to wait for the guest, 0 or more; None leaves it to the driver.

        Returns:
            Nothing.

        Raises:
            StopTimeout: the guest was asked and still runs.
            OperationFailed: a step failed.

        Source: Ganeti ``StopInstance``; ``timeout`` since Ganeti 2.9.6.
        """
        raise NotImplementedError

    @command(since="1.0")
    def cleanup_instance(self, instance_name: str) -> None:
        """Remove what an instance that no longer runs has left on the node; may run any number of times.

        Answered by: the driver; ``BaseHypervisor`` has nothing to remove.

        Args:
            instance_name: the instance's name; it need not be known.

        Returns:
            Nothing.

        Raises:
            OperationFailed: the instance still runs, or something could not be removed.

        Source: Ganeti ``CleanupInstance``; called when the instance was not running, too, since Ganeti 2.16.
        """
        raise NotImplementedError

    @command(since="1.0")
    def reboot_instance(self, instance: Instance) -> None:
        """Restart the guest of a running instance and return once it runs again.

        Answered by: the driver.

        Args:
            instance: the definition of the running instance.

        Returns:
            Nothing.

        Raises:
            NotRunning: it does not run.
            OperationFailed: it could not be restarted.

        Source: Ganeti ``RebootInstance`` (type "soft").
        """
        raise NotImplementedError

    @command(since="1.0")
    def pause_instance(self, instance_name: str) -> None:
        """Take the CPU away from every process of a running instance; pausing a paused one changes nothing.

        Answered by: the driver.

        Args:
            instance_name: the instance's name.

        Returns:
            Nothing.

        Raises:
            NotRunning: it does not run.
            OperationFailed: the kernel refused.

        Source: hvcore's own; the counterpart of Ganeti's ``startup_paused``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def resume_instance(self, instance_name: str) -> None:
        """Give a paused instance its CPU back; resuming a running one changes nothing.

        Answered by: the driver.

        Args:
            instance_name: the instance's name.

        Returns:
            Nothing.

        Raises:
            NotRunning: it does not run.
            OperationFailed: the kernel refused.

        Source: hvcore's own; the counterpart of Ganeti's ``startup_paused``.
        """
        raise NotImplementedError

    @command(since="1.0")
    def balloon_instance_memory(self, instance: Instance, memory_mib: int) -> None:
        """Change the memory of a running instance.

        Answered by: the driver.

        Args:
            instance: the definition of the running instance.
            memory_mib: the new size in MiB, 1 or more.

        Returns:
            Nothing.

        Raises:
            NotRunning: it does not run.
            OperationFailed: the kernel refused; the old limits are in force again.

        Source: Ganeti ``BalloonInstanceMemory``, since Ganeti 2.6.
        """
        raise NotImplementedError

    @command(since="1.0")
    def recover(self, instance_name: str | None) -> RecoveryReport:
        """Undo or finish what a killed manager left half done.

        The driver itself holds the lock of each instance that it works on; one that is busy is left to whoever holds it.

        Answered by: the driver; ``BaseHypervisor`` has nothing to recover.

        Args:
            instance_name: one instance, or None for all of this hypervisor.

        Returns:
            What was found and done, and what is left, per instance.

        Raises:
            OperationFailed: the state could not be read.

        Source: hvcore's own.
        """
        raise NotImplementedError
