"""Processes that a start leaves outside the instance when it is cut short: mount(8), and the shell on its way into the cgroup."""

from __future__ import annotations

from hvcore.system.strays import end_until_none, mounts_below_root, other_processes
from hvcore_chroot.launch import is_launcher
from hvcore_chroot.paths import ChrootPaths

__all__ = ["end_strays"]


def end_strays(paths: ChrootPaths, name: str) -> None:
    """End what is left of an instance's start, again and again: a process may fork while it is being looked at.

    Args:
        paths: where instances keep what.
        name: the instance's name.
    """
    root = str(paths.root(name))
    end_until_none(
        lambda: [
            pid for pid, words, _ in other_processes() if is_launcher(words, root) or mounts_below_root(words, root)
        ]
    )
