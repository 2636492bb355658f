"""The door to the operating system: programs, mounts, cgroups, processes, and operations that can be undone.

What a plugin author needs of it can be imported from here, and is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hvcore.system.bookkeeping import demand as demand
    from hvcore.system.bookkeeping import known_names as known_names
    from hvcore.system.bookkeeping import note as note
    from hvcore.system.cgroup_freezer import freeze_group as freeze_group
    from hvcore.system.cgroup_freezer import is_frozen as is_frozen
    from hvcore.system.cgroup_freezer import thaw_group as thaw_group
    from hvcore.system.cgroup_kill import kill_group as kill_group
    from hvcore.system.cgroup_layout import CgroupLayout as CgroupLayout
    from hvcore.system.cgroup_layout import CgroupMode as CgroupMode
    from hvcore.system.cgroup_layout import current_layout as current_layout
    from hvcore.system.cgroup_tree import group_directories as group_directories
    from hvcore.system.cgroup_tree import is_populated as is_populated
    from hvcore.system.cgroup_tree import pids_below as pids_below
    from hvcore.system.cgroup_tree import remove_group as remove_group
    from hvcore.system.commands import Completed as Completed
    from hvcore.system.commands import Handle as Handle
    from hvcore.system.commands import Runner as Runner
    from hvcore.system.commands import run as run
    from hvcore.system.definitions import Definition as Definition
    from hvcore.system.definitions import load_definition as load_definition
    from hvcore.system.definitions import remove_directory as remove_directory
    from hvcore.system.definitions import write_file as write_file
    from hvcore.system.journal import Journal as Journal
    from hvcore.system.journal import JournalState as JournalState
    from hvcore.system.journal import Phase as Phase
    from hvcore.system.kernel_files import read_pids as read_pids
    from hvcore.system.kernel_files import read_text as read_text
    from hvcore.system.kernel_files import write_value as write_value
    from hvcore.system.mountinfo import Mount as Mount
    from hvcore.system.mountinfo import mount_at as mount_at
    from hvcore.system.mountinfo import mounts_below as mounts_below
    from hvcore.system.mountinfo import read_mounts as read_mounts
    from hvcore.system.mounts import attach_image as attach_image
    from hvcore.system.mounts import bind_mount as bind_mount
    from hvcore.system.mounts import mount_device as mount_device
    from hvcore.system.mounts import unmount as unmount
    from hvcore.system.mounts import unmount_tree as unmount_tree
    from hvcore.system.node import linux_node_info as linux_node_info
    from hvcore.system.operation import Step as Step
    from hvcore.system.operation import Undoing as Undoing
    from hvcore.system.operation import perform as perform
    from hvcore.system.operation import undo_steps as undo_steps
    from hvcore.system.power import linux_powercycle as linux_powercycle
    from hvcore.system.processes import namespace_pid as namespace_pid
    from hvcore.system.processes import open_pidfd as open_pidfd
    from hvcore.system.processes import send_signal as send_signal
    from hvcore.system.processes import wait_pidfds as wait_pidfds
    from hvcore.system.root_mounts import DefaultMounter as DefaultMounter
    from hvcore.system.root_mounts import MountAction as MountAction
    from hvcore.system.root_mounts import Mounter as Mounter

__all__ = [
    "CgroupLayout",
    "CgroupMode",
    "Completed",
    "DefaultMounter",
    "Definition",
    "Handle",
    "Journal",
    "JournalState",
    "Mount",
    "MountAction",
    "Mounter",
    "Phase",
    "Runner",
    "Step",
    "Undoing",
    "attach_image",
    "bind_mount",
    "current_layout",
    "demand",
    "freeze_group",
    "group_directories",
    "is_frozen",
    "is_populated",
    "kill_group",
    "known_names",
    "linux_node_info",
    "linux_powercycle",
    "load_definition",
    "mount_at",
    "mount_device",
    "mounts_below",
    "namespace_pid",
    "note",
    "open_pidfd",
    "perform",
    "pids_below",
    "read_mounts",
    "read_pids",
    "read_text",
    "remove_directory",
    "remove_group",
    "run",
    "send_signal",
    "thaw_group",
    "undo_steps",
    "unmount",
    "unmount_tree",
    "wait_pidfds",
    "write_file",
    "write_value",
]

_HOMES = {
    "known_names": "hvcore.system.bookkeeping",
    "write_file": "hvcore.system.definitions",
    "remove_directory": "hvcore.system.definitions",
    "Definition": "hvcore.system.definitions",
    "load_definition": "hvcore.system.definitions",
    "demand": "hvcore.system.bookkeeping",
    "note": "hvcore.system.bookkeeping",
    "DefaultMounter": "hvcore.system.root_mounts",
    "MountAction": "hvcore.system.root_mounts",
    "Mounter": "hvcore.system.root_mounts",
    "CgroupLayout": "hvcore.system.cgroup_layout",
    "CgroupMode": "hvcore.system.cgroup_layout",
    "Completed": "hvcore.system.commands",
    "Handle": "hvcore.system.commands",
    "Journal": "hvcore.system.journal",
    "JournalState": "hvcore.system.journal",
    "Mount": "hvcore.system.mountinfo",
    "Phase": "hvcore.system.journal",
    "Runner": "hvcore.system.commands",
    "Step": "hvcore.system.operation",
    "Undoing": "hvcore.system.operation",
    "attach_image": "hvcore.system.mounts",
    "bind_mount": "hvcore.system.mounts",
    "current_layout": "hvcore.system.cgroup_layout",
    "freeze_group": "hvcore.system.cgroup_freezer",
    "group_directories": "hvcore.system.cgroup_tree",
    "is_frozen": "hvcore.system.cgroup_freezer",
    "is_populated": "hvcore.system.cgroup_tree",
    "kill_group": "hvcore.system.cgroup_kill",
    "linux_node_info": "hvcore.system.node",
    "linux_powercycle": "hvcore.system.power",
    "mount_at": "hvcore.system.mountinfo",
    "mount_device": "hvcore.system.mounts",
    "mounts_below": "hvcore.system.mountinfo",
    "namespace_pid": "hvcore.system.processes",
    "open_pidfd": "hvcore.system.processes",
    "perform": "hvcore.system.operation",
    "pids_below": "hvcore.system.cgroup_tree",
    "read_mounts": "hvcore.system.mountinfo",
    "read_pids": "hvcore.system.kernel_files",
    "read_text": "hvcore.system.kernel_files",
    "remove_group": "hvcore.system.cgroup_tree",
    "run": "hvcore.system.commands",
    "send_signal": "hvcore.system.processes",
    "thaw_group": "hvcore.system.cgroup_freezer",
    "undo_steps": "hvcore.system.operation",
    "unmount": "hvcore.system.mounts",
    "unmount_tree": "hvcore.system.mounts",
    "wait_pidfds": "hvcore.system.processes",
    "write_value": "hvcore.system.kernel_files",
}

# Checkers read the imports above, so a misspelt name is an error to them.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from hvcore.late import load_late

        return load_late(__name__, _HOMES, name)
