"""Processes that a start leaves outside the container's cgroups when it is cut short: LXC's own, and those of its hooks."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from hvcore.system.processes import open_pidfd, send_signal, wait_pidfds
from hvcore_lxc.paths import LxcPaths

__all__ = ["end_strays", "lxc_processes"]

_END_TIMEOUT_S = 10.0


def lxc_processes(paths: LxcPaths, name: str) -> list[int]:
    """Return the pids of lxc-start, of the monitor and of LXC's hooks for one container.

    They are known by their whole command line, or by the environment that LXC gives a hook.

    Source: LXC 5.0, ``start.c`` (LXC_CONFIG_FILE) and ``lxccontainer.c`` (the monitor's title).
    """
    lxcpath = str(paths.lxcpath)
    monitor = f"[lxc monitor] {lxcpath} {name}".encode()
    start = [b"lxc-start", b"-P", lxcpath.encode(), b"-n", name.encode()]
    hook = f"LXC_CONFIG_FILE={paths.config(name)}".encode()
    found: list[int] = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        words = _words(f"/proc/{entry}/cmdline")
        is_lxc = words[0] == monitor or [os.path.basename(words[0]), *words[1:5]] == start
        if is_lxc or hook in _words(f"/proc/{entry}/environ"):
            found.append(int(entry))
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


def _words(file: str) -> list[bytes]:
    try:
        return Path(file).read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        # It has ended meanwhile, or is another user's, and then it is none of LXC's.
        return [b""]
