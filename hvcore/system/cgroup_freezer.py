"""Stop all processes of a cgroup where they are, and let them go on."""

from __future__ import annotations

import time

from hvcore.errors import HypervisorError, OperationFailed
from hvcore.system.cgroup_layout import CgroupLayout, group_path
from hvcore.system.cgroup_tree import event_value, pids_below, remaining_s, subtree, wait_for_event
from hvcore.system.kernel_files import read_text, write_if_present, write_value
from hvcore.system.processes import process_name

__all__ = ["freeze_group", "is_frozen", "thaw_descendants", "thaw_group"]

_PAUSE_FIRST_S = 0.0002
_PAUSE_MOST_S = 0.02


def is_frozen(layout: CgroupLayout, relative: str) -> bool:
    """Return whether a cgroup is frozen, by itself or through a cgroup above it.

    Raises:
        InvalidInput: the path names the root, or climbs.
        OperationFailed: the freezer's file cannot be read.
    """
    directory = _v1_directory(layout, relative)
    if directory is not None:
        return _v1_state(directory) == "FROZEN"
    return layout.unified is not None and event_value(group_path(layout.unified, relative), "frozen") == "1"


def freeze_group(layout: CgroupLayout, relative: str, timeout_s: float = 10.0) -> None:
    """Freeze every process of a cgroup and of its sub-cgroups; when that fails, all of them run on.

    Args:
        layout: the machine's layout.
        relative: the cgroup's path below the root of every hierarchy.
        timeout_s: seconds to wait until the last process has stopped.

    Raises:
        InvalidInput: the path names the root, or climbs.
        OperationFailed: there is no such cgroup or no freezer, or a process did not stop in time.

    Source: Linux, Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst (FREEZING may last, and FROZEN is then
    written again) and cgroup-v2.rst, ``cgroup.freeze``.
    """
    directory, is_v1 = _freezer_directory(layout, relative)
    deadline = time.monotonic() + timeout_s
    try:
        done = _v1_freeze(directory, deadline) if is_v1 else _v2_set(directory, "1", deadline)
    except BaseException:
        _let_run(directory, is_v1)
        raise
    if not done:
        running = _running_below(directory, is_v1)
        _let_run(directory, is_v1)
        raise OperationFailed(
            f"{directory} did not freeze within {timeout_s:g} s",
            details=running,
            undone=["freeze"],
            resolution="a process waits inside the kernel, often for storage or a network file system; try again later",
        )


def thaw_group(layout: CgroupLayout, relative: str, timeout_s: float = 10.0) -> None:
    """Let every process of a frozen cgroup run on; one that is not frozen stays as it is.

    Args:
        layout: the machine's layout.
        relative: the cgroup's path below the root of every hierarchy.
        timeout_s: seconds to wait until the kernel says so.

    Raises:
        InvalidInput: the path names the root, or climbs.
        OperationFailed: there is no such cgroup or no freezer, or a cgroup above it is frozen.
    """
    directory, is_v1 = _freezer_directory(layout, relative)
    if is_v1:
        write_value(f"{directory}/freezer.state", "THAWED")
        done = _v1_state(directory) in {"THAWED", None}
    else:
        done = _v2_set(directory, "0", time.monotonic() + timeout_s)
    if not done:
        raise OperationFailed(
            f"{directory} stays frozen", resolution="a cgroup above it is frozen as well; thaw that one first"
        )


def thaw_descendants(layout: CgroupLayout, relative: str) -> bool:
    """Thaw a version 1 cgroup and those of its sub-cgroups that were frozen on their own.

    A task that the version 1 freezer holds does not die of SIGKILL; one that version 2 holds does, so nothing is done
    there.

    Returns:
        Whether anything was frozen.
    """
    directory = _v1_directory(layout, relative)
    if directory is None:
        return False
    frozen = [path for path in subtree(directory) if _is_self_frozen(path)]
    for path in frozen:
        write_if_present(f"{path}/freezer.state", "THAWED")
    return bool(frozen)


def _freezer_directory(layout: CgroupLayout, relative: str) -> tuple[str, bool]:
    """The cgroup's directory in the hierarchy that freezes, and whether that is version 1."""
    point = layout.controllers.get("freezer") or layout.unified
    if point is None:
        raise OperationFailed(
            "this machine has no cgroup freezer", resolution="mount cgroup2, or the freezer controller of version 1"
        )
    is_v1 = "freezer" in layout.controllers
    directory = group_path(point, relative)
    if read_text(f"{directory}/{'freezer.state' if is_v1 else 'cgroup.freeze'}") is None:
        raise OperationFailed(f"there is no cgroup {directory} that could be frozen or thawed")
    return directory, is_v1


def _v1_directory(layout: CgroupLayout, relative: str) -> str | None:
    point = layout.controllers.get("freezer")
    return None if point is None else group_path(point, relative)


def _v1_state(directory: str) -> str | None:
    text = read_text(f"{directory}/freezer.state")
    return None if text is None else text.strip()


def _is_self_frozen(directory: str) -> bool:
    return (read_text(f"{directory}/freezer.self_freezing") or "0").strip() != "0"


def _v1_freeze(directory: str, deadline: float) -> bool:
    pause_s = _PAUSE_FIRST_S
    while True:
        write_value(f"{directory}/freezer.state", "FROZEN")
        if _v1_state(directory) == "FROZEN":
            return True
        if remaining_s(deadline) <= 0:
            return False
        # The version 1 freezer announces nothing: reading the state is what makes the kernel count, writing what makes
        # it ask the stragglers again.
        time.sleep(min(pause_s, remaining_s(deadline)))
        pause_s = min(pause_s * 2, _PAUSE_MOST_S)


def _v2_set(directory: str, value: str, deadline: float) -> bool:
    write_value(f"{directory}/cgroup.freeze", value)
    return wait_for_event(directory, "frozen", value, deadline)


def _let_run(directory: str, is_v1: bool) -> None:
    """Undo a freeze that failed; the failure itself matters more than one of the undoing."""
    import contextlib

    with contextlib.suppress(HypervisorError):
        if is_v1:
            write_value(f"{directory}/freezer.state", "THAWED")
        else:
            write_value(f"{directory}/cgroup.freeze", "0")


def _running_below(directory: str, is_v1: bool) -> list[str]:
    """The processes that still run or wait inside the kernel, as phrases.

    A frozen process sleeps, on version 2 as state S and on version 1 as state D at ``__refrigerator``.
    """
    lines: list[str] = []
    for pid in sorted(pids_below([directory])):
        stat = read_text(f"/proc/{pid}/stat") or ""
        where = (read_text(f"/proc/{pid}/wchan") or "").strip()
        state = stat[stat.rfind(")") + 2 :][:1]
        stands_still = "refrigerator" in where if is_v1 else state == "S"
        if state and not stands_still:
            lines.append(f"process {pid} ({process_name(pid)}) is in state {state}" + (f" at {where}" if where else ""))
    return lines
