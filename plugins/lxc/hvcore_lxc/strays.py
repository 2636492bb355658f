"""Processes that a start leaves outside the container's cgroups when it is cut short: mount(8), LXC and LXC's hooks."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

from hvcore.system.processes import open_pidfd, send_signal, wait_pidfds
from hvcore_lxc.paths import LxcPaths

__all__ = ["end_strays", "lxc_processes"]

_END_TIMEOUT_S = 10.0


def lxc_processes(paths: LxcPaths, name: str) -> list[int]:
    """Return the pids of lxc-start, of the monitor and of LXC's hooks for one container.

    They are known by their whole command line, or by the environment that LXC gives a hook.

    Source: LXC 5.0, ``start.c`` (LXC_CONFIG_FILE) and ``lxccontainer.c`` (the monitor's title).
    """
    return [pid for pid, words, config in _processes() if _is_lxc(words, config, paths, name)]


def end_strays(paths: LxcPaths, name: str, patience_s: float = 0.0) -> None:
    """End what is left of a container's start, again and again: a process may fork while it is being looked at.

    Args:
        paths: where instances keep what.
        name: the instance's name.
        patience_s: seconds in which LXC may end by itself.
    """
    patient_until = time.monotonic() + patience_s
    deadline = patient_until + _END_TIMEOUT_S
    while (pids := _strays(paths, name)) and time.monotonic() < deadline:
        for pid in pids:
            _end(pid, max(patient_until - time.monotonic(), 0.0))


def _strays(paths: LxcPaths, name: str) -> list[int]:
    root = str(paths.root(name))
    return [
        pid for pid, words, config in _processes() if _is_lxc(words, config, paths, name) or _mounts_below(words, root)
    ]


def _is_lxc(words: list[str], config: str | None, paths: LxcPaths, name: str) -> bool:
    is_start = os.path.basename(words[0]) == "lxc-start" and words[1:5] == ["-P", str(paths.lxcpath), "-n", name]
    is_monitor = " ".join(words) == f"[lxc monitor] {paths.lxcpath} {name}"
    return is_start or is_monitor or config == str(paths.config(name))


def _mounts_below(words: list[str], root: str) -> bool:
    """Tell whether a command is mount(8), or one of its helpers, with a target at or below a root."""
    is_mount = os.path.basename(words[0]).startswith("mount")
    return is_mount and any(word == root or word.startswith(f"{root}/") for word in words[1:])


def _processes() -> Iterator[tuple[int, list[str], str | None]]:
    """Every other process: its pid, its command line, and the container's configuration in its environment."""
    import psutil

    # One that ends meanwhile, or is another user's, answers None and is none of LXC's.
    for process in psutil.process_iter(["cmdline", "environ"]):
        words: list[str] = process.info["cmdline"] or [""]
        environment: dict[str, str] = process.info["environ"] or {}
        if process.pid != os.getpid():
            yield process.pid, words, environment.get("LXC_CONFIG_FILE")


def _end(pid: int, patience_s: float) -> None:
    pidfd = open_pidfd(pid)
    if pidfd is None:
        return
    try:
        if not wait_pidfds([pidfd], patience_s):
            send_signal(pidfd, signal.SIGKILL)
            wait_pidfds([pidfd], _END_TIMEOUT_S)
    finally:
        os.close(pidfd)
