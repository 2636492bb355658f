"""The container itself: starting it, seeing whether it runs, ending it, and removing what LXC leaves of it."""

from __future__ import annotations

import os
import signal
import time

from attrs import frozen

from hvcore.errors import CommandTimeout, HypervisorError, OperationFailed
from hvcore.system.cgroup_layout import CgroupLayout
from hvcore.system.commands import Runner
from hvcore.system.kernel_files import read_text
from hvcore.system.processes import open_pidfd, send_signal, wait_pidfds
from hvcore_lxc.cgroup_manager import CgroupManager
from hvcore_lxc.failure import explained
from hvcore_lxc.gate import Gate
from hvcore_lxc.network import remove_host_devices
from hvcore_lxc.node import find_init
from hvcore_lxc.parents import parents_kept, remove_parents
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.shutdown import Shutdown
from hvcore_lxc.strays import end_strays, lxc_processes
from hvcore_lxc.tools import start_command

__all__ = ["Container"]

_SETTLE_S = 0.001
_SETTLE_MOST_S = 0.05
_END_TIMEOUT_S = 30.0
_MONITOR_TIMEOUT_S = 10.0
_STRAYS_PATIENCE_S = 2.0
_REBOOT_LOOK_S = 0.005


@frozen
class Container:
    """One instance's container.

    Attributes:
        name: the instance's name.
        paths: where the instance keeps what.
        cgroups: its cgroup manager.
        runner: the door to other programs.
        layout: how the node's cgroup hierarchies are mounted.
    """

    name: str
    paths: LxcPaths
    cgroups: CgroupManager
    runner: Runner
    layout: CgroupLayout

    @property
    def is_alive(self) -> bool:
        """Whether it has processes, which is all that counts: a container outlives a monitor that was killed."""
        return bool(self.cgroups.pids(self.name))

    def is_alive_or_rebooting(self) -> bool:
        """Whether it has processes, or gets new ones from LXC's monitor, which starts a guest again that reboots itself."""
        deadline = time.monotonic() + _MONITOR_TIMEOUT_S
        while not self.is_alive and time.monotonic() < deadline:
            watched = [fd for fd in map(open_pidfd, lxc_processes(self.paths, self.name)) if fd is not None]
            try:
                if not watched:
                    return self.is_alive
                wait_pidfds(watched, _REBOOT_LOOK_S)
            finally:
                for pidfd in watched:
                    os.close(pidfd)
        return self.is_alive

    def start(self, paused: bool, timeout_s: float) -> None:
        """Start it and return when its init runs, or is frozen before its first instruction.

        Args:
            paused: freeze it before init's first instruction.
            timeout_s: seconds that LXC may take; 0 means no limit.

        Raises:
            OperationFailed: LXC failed or the init ended at once; the details hold LXC's own words.
        """
        log = self.paths.lxc_log(self.name)
        _empty(log)
        _empty(self.paths.console_log(self.name))
        command = start_command(self.paths.lxcpath, self.name, log)
        limit_s = timeout_s or None
        try:
            with parents_kept(self.paths, self.name):
                if paused:
                    self._start_paused(command, limit_s)
                else:
                    self.runner.run(command, timeout_s=limit_s)
            self._remember_init(paused)
        except HypervisorError as error:
            # What LXC has begun in the background must not go on while the start is undone.
            end_strays(self.paths, self.name, 0.0 if isinstance(error, CommandTimeout) else _STRAYS_PATIENCE_S)
            failure = explained(error, self.paths, self.name, timeout_s)
            if failure is error:
                raise
            raise failure from error

    def find_init(self) -> int | None:
        """Return the pid of its init in the host's view, or None when it has no processes."""
        return find_init(self.cgroups.pids(self.name))

    def shutdown(self, signal_name: str = "") -> Shutdown:
        """Return the shutdown of its guest.

        Args:
            signal_name: the signal that its init understands; "" to find it by looking at the init.
        """
        return Shutdown(self.name, self.cgroups, signal_name)

    def end(self) -> None:
        """End every process, frozen or not, and wait until LXC's monitor has cleaned up after them.

        Raises:
            OperationFailed: processes are left.
        """
        monitors = [fd for fd in map(open_pidfd, self.cgroups.monitor_pids(self.name)) if fd is not None]
        try:
            self._kill_init()
            if monitors:
                wait_pidfds(monitors, _MONITOR_TIMEOUT_S)
            if self.is_alive:
                self.cgroups.kill(self.name, _END_TIMEOUT_S)
        finally:
            for pidfd in monitors:
                os.close(pidfd)

    def remove_traces(self) -> None:
        """Remove what LXC leaves: cgroups, the host's ends of NICs and its lock file; idempotent."""
        self.cgroups.destroy(self.name)
        remove_host_devices(self.runner, self.paths, self.name)
        self.paths.init_pid(self.name).unlink(missing_ok=True)
        Gate(self.paths.gate(self.name)).remove()
        self.paths.lxc_lock(self.name).unlink(missing_ok=True)
        remove_parents(self.paths, self.layout)

    def end_strays(self) -> None:
        """End what a start that was cut short left outside the cgroups: LXC's own processes for this container."""
        end_strays(self.paths, self.name)

    def _start_paused(self, command: list[str], limit_s: float | None) -> None:
        gate = Gate(self.paths.gate(self.name))
        wait_s = limit_s or _END_TIMEOUT_S
        with gate.open() as pipes:
            starting = self.runner.spawn(command)
            try:
                with gate.held(pipes, starting, wait_s):
                    starting.wait(wait_s).require_success()
                    self.cgroups.freeze(self.name)
            except BaseException:
                if starting.pidfd >= 0:
                    starting.end()
                    starting.close()
                raise

    def _remember_init(self, paused: bool) -> None:
        """Find the init, and see that it did not end at once: lxc-start says success all the same."""
        pid = self.find_init()
        pidfd = None if pid is None else open_pidfd(pid)
        if pid is None or pidfd is None:
            raise OperationFailed("the container's init ended at once")
        try:
            if not paused and _ends_at_once(pid, pidfd):
                raise OperationFailed("the container's init ended at once")
        finally:
            os.close(pidfd)
        self.paths.init_pid(self.name).write_text(f"{pid}\n", "ascii")

    def _kill_init(self) -> None:
        """End the init; the kernel then ends everything else in its pid namespace."""
        pid = self.find_init()
        pidfd = None if pid is None else open_pidfd(pid)
        if pidfd is None:
            return
        try:
            send_signal(pidfd, signal.SIGKILL)
            self.cgroups.thaw(self.name)
            wait_pidfds([pidfd], _END_TIMEOUT_S)
        finally:
            os.close(pidfd)


def _ends_at_once(pid: int, pidfd: int) -> bool:
    """Give an init a moment to fail, until it has come to rest; a little longer at most on a busy node."""
    deadline = time.monotonic() + _SETTLE_MOST_S
    wait_s = 0.0
    while not wait_pidfds([pidfd], wait_s):
        if _is_at_rest(pid) or time.monotonic() >= deadline:
            return False
        wait_s = _SETTLE_S
    return True


def _is_at_rest(pid: int) -> bool:
    """Tell whether a process sleeps, and is no longer LXC's own that waits to become the init."""
    name, _, rest = (read_text(f"/proc/{pid}/stat") or "").rpartition(")")
    return rest.split()[:1] not in (["R"], ["D"]) and not name.endswith("(lxc-start")


def _empty(path: os.PathLike[str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
