"""Judging configurations before anything is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import command

if TYPE_CHECKING:
    from hvcore.model.instance import BlockDevice, Instance
    from hvcore.model.lint import LintFinding, Translation
    from hvcore.model.plan import ChangePlan

__all__ = ["ConfigurationSpec"]


class ConfigurationSpec:
    """The hypervisor's own configuration files, and what a new definition would change."""

    @command(since="1.0")
    def lint_configuration(self, text: str, path: str) -> tuple[LintFinding, ...]:
        """Find what is wrong with a configuration in the hypervisor's own format, changing nothing.

        Answered by: the driver.

        Args:
            text: the configuration.
            path: the file that it comes from or is meant for.

        Returns:
            One finding per fault, with its place and what was probably meant.

        Raises:
            OperationFailed: the node could not be looked at.

        Source: hvcore's own.
        """
        raise NotImplementedError

    @command(since="1.0")
    def translate_configuration(self, text: str, path: str) -> Translation:
        """Write an old configuration in the words of the hypervisor's present releases.

        Answered by: the driver.

        Args:
            text: the configuration.
            path: the file that it comes from.

        Returns:
            The text, with its comments and in its order, and what has no equal.

        Raises:
            nothing.

        Source: hvcore's own.
        """
        raise NotImplementedError

    @command(since="1.0")
    def plan_change(self, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> ChangePlan:
        """Compare a definition with the one that its running instance was started with, changing nothing.

        Answered by: the driver.

        Args:
            instance: the new definition, with every parameter filled in.
            block_devices: one per disk, in the order of ``instance.disks``.

        Returns:
            What differs, and for each whether it can change live or needs a restart.

        Raises:
            NotRunning: it does not run.
            OperationFailed: the comparison could not be made.

        Source: hvcore's own.
        """
        raise NotImplementedError
