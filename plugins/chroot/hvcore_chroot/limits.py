"""What a node keeps chroot from doing, operation by operation, looked at without changing anything."""

from __future__ import annotations

from collections.abc import Iterator

from hvcore.context import DriverContext
from hvcore.model.capability import Capability, Support
from hvcore.system.commands import find_program
from hvcore.system.findings import disk_limits
from hvcore_chroot.groups import MOUNT_A_FREEZER, NO_FREEZER, Groups
from hvcore_chroot.requirements import NEEDS_ROOT, TOOLS, runs_as_root
from hvcore_chroot.spec import ChrootSteps

__all__ = ["limits"]

_CHANGES = (
    *("start_instance", "reboot_instance", "stop_instance", "cleanup_instance", "recover", "restore_instance"),
    *("pause_instance", "resume_instance", "exec_in_instance"),
)
_RUN_SOMETHING = ("start_instance", "reboot_instance", "exec_in_instance")


def limits(context: DriverContext, groups: Groups) -> tuple[Capability, ...]:
    """Return every limit of this node.

    Args:
        context: the driver's surroundings.
        groups: the instances' cgroups.
    """
    return (*_of_the_user(), *_of_the_tools(), *_of_the_disks(context), *_of_the_freezer(groups))


def _of_the_user() -> Iterator[Capability]:
    if not runs_as_root():
        for operation in _CHANGES:
            yield Capability(operation, Support.NO, "chroots are started by root", NEEDS_ROOT)


def _of_the_tools() -> Iterator[Capability]:
    for tool in ("chroot", "env", "/bin/sh"):
        if find_program(tool) is None:
            for operation in _RUN_SOMETHING:
                yield Capability(operation, Support.NO, f"{tool} is not installed", TOOLS[tool])


def _of_the_disks(context: DriverContext) -> Iterator[Capability]:
    # Of the needs of an extension's mounter nothing is known.
    if not any(answerer.role != "default" for answerer in context.scope.answerers(ChrootSteps.chroot_mounter)):
        yield from disk_limits()


def _of_the_freezer(groups: Groups) -> Iterator[Capability]:
    if groups.home is None:
        yield Capability("start_instance", Support.LIMITED, f"not paused: {NO_FREEZER}", MOUNT_A_FREEZER)
        for operation in ("pause_instance", "resume_instance"):
            yield Capability(operation, Support.NO, NO_FREEZER, MOUNT_A_FREEZER)
