"""What instances use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import command

if TYPE_CHECKING:
    from hvcore.model.stats import InstanceStats

__all__ = ["StatsSpec"]


class StatsSpec:
    """Statistics; asking for them changes nothing and starts no process."""

    @command(since="1.0")
    def get_instance_stats(self, instance_name: str) -> InstanceStats | None:
        """Measure one running instance: CPU, memory, block devices, network, tasks and pressure.

        Answered by: the driver.

        Args:
            instance_name: the instance's name.

        Returns:
            Its statistics, sizes in bytes and times in seconds; None when it does not run. What the node does not tell is
            None, never 0.

        Raises:
            OperationFailed: it runs but could not be measured.

        Source: hvcore's own.
        """
        raise NotImplementedError

    @command(since="1.0")
    def get_all_instances_stats(self) -> tuple[InstanceStats, ...]:
        """Measure every running instance, in one pass.

        Answered by: the driver.

        Args:
            none.

        Returns:
            One entry per running instance, sorted by name; one that ends meanwhile is left out.

        Raises:
            OperationFailed: the instances could not be enumerated.

        Source: hvcore's own.
        """
        raise NotImplementedError
