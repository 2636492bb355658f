"""What a linter has to know of the node; every look is at a file, and nothing is changed."""

from __future__ import annotations

import os
import stat

from attrs import field, frozen

from hvcore.errors import HypervisorError
from hvcore.model.cpu_mask import parse_cpu_mask
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode, current_layout
from hvcore.system.commands import Runner
from hvcore.system.kernel_files import read_text
from hvcore_lxc.keys.model import Version
from hvcore_lxc.tools import lxc_version

__all__ = ["NodeFacts"]

_ASSUMED: Version = (6, 0)
_EMPTY_LAYOUT = CgroupLayout(CgroupMode.NONE, {}, None, frozenset())


@frozen
class NodeFacts:
    """The node that a configuration is meant for.

    Attributes:
        lxc_version: its LXC.
        layout: how its cgroup hierarchies are mounted.
        root: the directory that stands for its root directory.
        made_at_start: directories in which hvcore makes what is not there yet.
    """

    lxc_version: Version = _ASSUMED
    layout: CgroupLayout = _EMPTY_LAYOUT
    root: str = "/"
    made_at_start: tuple[str, ...] = field(default=())

    @classmethod
    def of_node(cls, runner: Runner, made_at_start: tuple[str, ...] = ()) -> NodeFacts:
        """Look at this node; where LXC is not installed, a recent one is assumed."""
        try:
            version = lxc_version(runner)
        except HypervisorError:
            version = _ASSUMED
        return cls(version, current_layout(), "/", made_at_start)

    def at(self, path: str) -> str:
        """Return where a path of the node is."""
        return f"{self.root.rstrip('/')}/{path.lstrip('/')}"

    def exists(self, path: str) -> bool:
        """Tell whether something is there, or will be when an instance is started."""
        return self.is_made_at_start(path) or os.path.exists(self.at(path))

    def is_directory(self, path: str) -> bool:
        """Tell whether a directory is there."""
        return self.is_made_at_start(path) or os.path.isdir(self.at(path))

    def is_program(self, path: str) -> bool:
        """Tell whether a file is there that can be run."""
        return self.is_made_at_start(path) or os.access(self.at(path), os.X_OK)

    def is_block_device(self, path: str) -> bool:
        """Tell whether a block device is there."""
        try:
            return stat.S_ISBLK(os.stat(self.at(path)).st_mode)
        except OSError:
            return False

    def is_made_at_start(self, path: str) -> bool:
        """Tell whether hvcore makes it at the start."""
        return any(path == directory or path.startswith(f"{directory}/") for directory in self.made_at_start)

    def number(self, path: str) -> int | None:
        """Return the number that a file of the kernel holds, or None."""
        text = (read_text(self.at(path)) or "").strip()
        return int(text) if text.isascii() and text.isdigit() else None

    def numbers(self, path: str) -> frozenset[int]:
        """Return the numbers of a list such as ``0-3,5`` that a file of the kernel holds."""
        text = (read_text(self.at(path)) or "").strip()
        return frozenset(parse_cpu_mask(text)) if text else frozenset()

    @property
    def cpus(self) -> frozenset[int]:
        """The CPUs that are online; empty where the kernel does not tell."""
        return self.numbers("/sys/devices/system/cpu/online")

    @property
    def memory_bytes(self) -> int | None:
        """All the memory there is, in bytes."""
        for line in (read_text(self.at("/proc/meminfo")) or "").splitlines():
            name, _, rest = line.partition(":")
            if name == "MemTotal" and rest.split():
                return int(rest.split()[0]) * 1024
        return None
