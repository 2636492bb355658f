"""Asking a guest to shut down, and waiting until it has."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import contextmanager

from attrs import frozen

from hvcore.errors import StopTimeout
from hvcore.system.kernel_files import read_text
from hvcore.system.processes import open_pidfd, send_signal, wait_pidfds
from hvcore_lxc.cgroup_manager import CgroupManager
from hvcore_lxc.init import InitKind, find_init_kind, halt_signal, leaves_by_itself, signal_number
from hvcore_lxc.node import find_init

__all__ = ["AskedInit", "Shutdown"]

_QUIET_S = 2.0
_ATTENTION_S = 1.0
_LOOK_S = 0.002


@frozen
class AskedInit:
    """An init that was asked to shut down.

    Attributes:
        pid: its pid in the host's view.
        kind: what kind of init it is.
        signal: the number of the signal that it was sent.
    """

    pid: int
    kind: InitKind
    signal: int


@frozen
class Shutdown:
    """The shutdown of one container's guest.

    Attributes:
        name: the instance's name.
        cgroups: its cgroup manager.
        signal_name: the signal that its init understands; "" to find it by looking at the init.
    """

    name: str
    cgroups: CgroupManager
    signal_name: str = ""

    def find(self) -> AskedInit | None:
        """Return the init as it would be asked, without asking it; None when it has ended."""
        pid = find_init(self.cgroups.pids(self.name))
        if pid is None:
            return None
        kind = find_init_kind(pid)
        return AskedInit(pid, kind, signal_number(self.signal_name) if self.signal_name else halt_signal(kind))

    def ask(self, timeout_s: float) -> AskedInit | None:
        """Send the init the signal that it understands; thaws a paused container, which could not hear it.

        The kernel drops a signal that an init does not care for, so one that has just begun is given a moment to.

        Args:
            timeout_s: seconds that the guest has in all.

        Returns:
            The init that was asked; None when it has ended already.

        Source: pid_namespaces(7): only signals for which init has established a handler can be sent to it.
        """
        init = self.find()
        pidfd = None if init is None else open_pidfd(init.pid)
        if init is None or pidfd is None:
            return None
        try:
            self.cgroups.thaw(self.name)
            deadline = time.monotonic() + min(timeout_s, _ATTENTION_S)
            while not _minds(init) and time.monotonic() < deadline and not wait_pidfds([pidfd], _LOOK_S):
                pass
            send_signal(pidfd, init.signal)
        finally:
            os.close(pidfd)
        return init

    def wait(self, init: AskedInit, timeout_s: float, has_sys_boot: bool) -> None:
        """Wait, on the kernel's word and without polling, until the guest has shut down.

        An init that cannot end by itself without ``sys_boot`` is taken as shut down when it has been the only process
        for two seconds.

        Args:
            init: the init that was asked.
            timeout_s: seconds to wait at most.
            has_sys_boot: whether the guest may call reboot(2).

        Raises:
            StopTimeout: the guest still runs.
        """
        with self._watched(init) as pidfd:
            if pidfd is None:
                return
            stays = not (has_sys_boot or leaves_by_itself(init.kind))
            ended = self._wait_until_alone(init.pid, pidfd, timeout_s) if stays else wait_pidfds([pidfd], timeout_s)
            if not ended:
                raise _still_running(init, timeout_s)

    def _wait_until_alone(self, init: int, pidfd: int, timeout_s: float) -> bool:
        """Wait until init has ended or has been alone for a while; tells whether it came to that."""
        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            others = [pid for pid in self.cgroups.pids(self.name) if pid != init]
            if others:
                _wait_for_any([init, *others], left_s)
            elif wait_pidfds([pidfd], min(left_s, _QUIET_S)) or (
                left_s > _QUIET_S and self.cgroups.pids(self.name) == (init,)
            ):
                return True
            if wait_pidfds([pidfd], 0):
                return True
        return False

    @contextmanager
    def _watched(self, init: AskedInit) -> Generator[int | None]:
        """Yield a descriptor of the init, or None when it has ended; another process may have got its number since."""
        pidfd = open_pidfd(init.pid)
        try:
            yield pidfd if init.pid in self.cgroups.pids(self.name) else None
        finally:
            if pidfd is not None:
                os.close(pidfd)


def _minds(init: AskedInit) -> bool:
    """Tell whether an init catches, waits for or ignores its signal, and so has made up its mind.

    Source: proc(5), /proc/pid/status and /proc/pid/wchan; Linux ``kernel/signal.c``: a process in sigtimedwait(2), as
    BusyBox's init is, shows none of the signals that it waits for.
    """
    if "sigtimedwait" in (read_text(f"/proc/{init.pid}/wchan") or ""):
        return True
    for line in (read_text(f"/proc/{init.pid}/status") or "").split("\n"):
        key, _, value = line.partition(":")
        if key in {"SigBlk", "SigIgn", "SigCgt"} and int(value, 16) >> (init.signal - 1) & 1:
            return True
    return False


def _still_running(init: AskedInit, timeout_s: float) -> StopTimeout:
    details = [f"its init is {init.kind.value} (process {init.pid}), asked with signal {init.signal}"]
    if init.kind is InitKind.OTHER:
        details.append("it is none of systemd, BusyBox, SysV and OpenRC, so the signal may be a guess")
    return StopTimeout(
        f"the guest still runs {timeout_s:g} s after it was asked to shut down",
        details=details,
        resolution="wait longer with --timeout, end it with --force, or name the signal in parameter shutdown_signal",
    )


def _wait_for_any(pids: list[int], timeout_s: float) -> None:
    pidfds = [fd for fd in map(open_pidfd, pids) if fd is not None]
    try:
        if len(pidfds) == len(pids):
            wait_pidfds(pidfds, timeout_s)
    finally:
        for pidfd in pidfds:
            os.close(pidfd)
