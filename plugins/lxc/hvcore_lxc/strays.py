"""Processes that a start leaves outside the container's cgroups when it is cut short: LXC's own, and those of its hooks."""

from __future__ import annotations

import os
import signal
import time

from hvcore.system.processes import open_pidfd, send_signal, wait_pidfds
from hvcore_lxc.paths import LxcPaths

__all__ = ["end_strays", "lxc_processes"]

_END_TIMEOUT_S = 10.0


def lxc_processes(paths: LxcPaths, name: str) -> list[int]:
    """Return the pids of lxc-start, of the monitor and of LXC's hooks for one container.

    They are known by their whole command line, or by the environment that LXC gives a hook.

    Source: LXC 5.0, ``start.c`` (LXC_CONFIG_FILE) and ``lxccontainer.c`` (the monitor's title).
    """
    import psutil

    monitor = f"[lxc monitor] {paths.lxcpath} {name}"
    start = ["-P", str(paths.lxcpath), "-n", name]
    found: list[int] = []
    # A process that ends meanwhile, or is another user's, answers None and is none of LXC's.
    for process in psutil.process_iter(["cmdline", "environ"]):
        words: list[str] = process.info["cmdline"] or [""]
        is_start = os.path.basename(words[0]) == "lxc-start" and words[1:5] == start
        environment: dict[str, str] = process.info["environ"] or {}
        is_hook = environment.get("LXC_CONFIG_FILE") == str(paths.config(name))
        if process.pid != os.getpid() and (is_start or is_hook or " ".join(words) == monitor):
            found.append(process.pid)
    return found


def end_strays(paths: LxcPaths, name: str, patience_s: float = 0.0) -> None:
    """End what is left of a container's start, again and again: a process may fork while it is being looked at.

    Args:
        paths: where instances keep what.
        name: the instance's name.
        patience_s: seconds in which LXC may end by itself.
    """
    patient_until = time.monotonic() + patience_s
    deadline = patient_until + _END_TIMEOUT_S
    while (pids := lxc_processes(paths, name)) and time.monotonic() < deadline:
        for pid in pids:
            _end(pid, max(patient_until - time.monotonic(), 0.0))


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
