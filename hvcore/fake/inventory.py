"""All fake instances of a node, and what they leave of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hvcore.errors import StateFailed

if TYPE_CHECKING:
    from hvcore.context import DriverContext
    from hvcore.model.info import InstanceInfo
    from hvcore.model.instance import Instance
    from hvcore.model.node import NodeInfo

__all__ = ["describe", "describe_all", "node_info", "recorded_names", "startup_memory_mib"]


def recorded_names(context: DriverContext) -> tuple[str, ...]:
    """Return the names of all directories of instances, sorted, whether these run or not.

    Raises:
        StateFailed: the state directory cannot be read.
    """
    try:
        with os.scandir(context.state_dir) as entries:
            return tuple(sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False)))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StateFailed(
            f"cannot read {context.state_dir}: {error.strerror}",
            resolution="check its permissions, or set HVCORE_STATE_DIR to a directory you may read",
        ) from error


def describe(context: DriverContext, name: str) -> InstanceInfo | None:
    """Describe one instance; None when it does not run."""
    from hvcore.fake.clock import read_clock
    from hvcore.fake.files import InstanceFiles

    clock = read_clock()
    state = InstanceFiles(context.instance_dir(name)).running(clock)
    return None if state is None else state.describe(name, context.name, clock)


def describe_all(context: DriverContext) -> tuple[InstanceInfo, ...]:
    """Describe every instance that runs, sorted by name."""
    found = (describe(context, name) for name in recorded_names(context))
    return tuple(info for info in found if info is not None)


def node_info(context: DriverContext) -> NodeInfo:
    """Describe the node, its free memory lessened by what the instances have."""
    from attrs import evolve

    from hvcore.system.node import linux_node_info

    node = linux_node_info()
    taken_mib = sum(info.memory_mib for info in describe_all(context))
    return evolve(node, memory_free_mib=max(0, node.memory_free_mib - taken_mib))


def startup_memory_mib(context: DriverContext, instance: Instance) -> int:
    """Return the memory that an instance starts with: as much as it may have, or less where the node has less.

    Source: Ganeti ``_InstanceStartupMemory``.
    """
    if instance.memory_min_mib is None:
        return instance.memory_mib
    return max(instance.memory_min_mib, min(instance.memory_mib, node_info(context).memory_free_mib))
