"""Processes that a start leaves outside the container's cgroups when it is cut short: mount(8), LXC and LXC's hooks."""

from __future__ import annotations

import os

from hvcore.system.strays import end_until_none, mounts_below_root, other_processes
from hvcore_lxc.paths import LxcPaths

__all__ = ["end_strays", "lxc_processes"]


def lxc_processes(paths: LxcPaths, name: str) -> list[int]:
    """Return the pids of lxc-start, of the monitor and of LXC's hooks for one container.

    They are known by their whole command line, or by the environment that LXC gives a hook.

    Source: LXC 5.0, ``start.c`` (LXC_CONFIG_FILE) and ``lxccontainer.c`` (the monitor's title).
    """
    return [pid for pid, words, env in other_processes() if _is_lxc(words, env, paths, name)]


def end_strays(paths: LxcPaths, name: str, patience_s: float = 0.0) -> None:
    """End what is left of a container's start, again and again: a process may fork while it is being looked at.

    Args:
        paths: where instances keep what.
        name: the instance's name.
        patience_s: seconds in which LXC may end by itself.
    """
    end_until_none(lambda: _strays(paths, name), patience_s)


def _strays(paths: LxcPaths, name: str) -> list[int]:
    root = str(paths.root(name))
    return [
        pid
        for pid, words, environment in other_processes()
        if _is_lxc(words, environment, paths, name) or mounts_below_root(words, root)
    ]


def _is_lxc(words: list[str], environment: dict[str, str], paths: LxcPaths, name: str) -> bool:
    is_start = os.path.basename(words[0]) == "lxc-start" and words[1:5] == ["-P", str(paths.lxcpath), "-n", name]
    is_monitor = " ".join(words) == f"[lxc monitor] {paths.lxcpath} {name}"
    return is_start or is_monitor or environment.get("LXC_CONFIG_FILE") == str(paths.config(name))
