"""Everything that is done with one cgroup; the parts live in the modules named below."""

from __future__ import annotations

from hvcore.system.cgroup_freezer import freeze_group, is_frozen, thaw_group
from hvcore.system.cgroup_kill import kill_group
from hvcore.system.cgroup_layout import group_path
from hvcore.system.cgroup_tree import group_directories, is_populated, remove_group
from hvcore.system.kernel_files import read_pids, read_text, write_value

__all__ = [
    "freeze_group",
    "group_directories",
    "group_path",
    "is_frozen",
    "is_populated",
    "kill_group",
    "read_pids",
    "read_text",
    "remove_group",
    "thaw_group",
    "write_value",
]
