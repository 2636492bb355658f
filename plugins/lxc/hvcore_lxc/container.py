"""The container itself: starting it, asking it to shut down, ending it, and finding its init."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from hvcore.errors import CommandFailed, CommandTimeout, HypervisorError, OperationFailed, StopTimeout
from hvcore.system.cgroup_layout import current_layout
from hvcore.system.commands import Runner
from hvcore.system.processes import open_pidfd, send_signal, wait_pidfds
from hvcore_lxc.cgroup_manager import CgroupManager
from hvcore_lxc.gate import Gate
from hvcore_lxc.init import InitKind, find_init_kind, halt_signal, leaves_by_itself, signal_number
from hvcore_lxc.network import remove_host_devices
from hvcore_lxc.node import find_init
from hvcore_lxc.parents import parents_kept, remove_parents
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.tools import log_words, start_command

__all__ = ["Container"]

_SETTLE_S = 0.002
_END_TIMEOUT_S = 30.0
_MONITOR_TIMEOUT_S = 10.0
_QUIET_S = 2.0
_LAST_CONSOLE_LINES = 5


@frozen
class Container:
    """One instance's container.

    Attributes:
        name: the instance's name.
        paths: where the instance keeps what.
        cgroups: its cgroup manager.
        runner: the door to other programs.
    """

    name: str
    paths: LxcPaths
    cgroups: CgroupManager
    runner: Runner

    @property
    def is_alive(self) -> bool:
        """Whether it has processes, which is all that counts: a container outlives a monitor that was killed."""
        return bool(self.cgroups.pids(self.name))

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
            with parents_kept(self.paths):
                if paused:
                    self._start_paused(command, limit_s)
                else:
                    self.runner.run(command, timeout_s=limit_s)
            self._remember_init()
        except HypervisorError as error:
            raise self._explain(error, timeout_s) from error

    def _start_paused(self, command: list[str], limit_s: float | None) -> None:
        gate = Gate(self.paths.gate(self.name))
        wait_s = limit_s or _END_TIMEOUT_S
        with gate.open() as pipes:
            starting = self.runner.spawn(command)
            try:
                with gate.held(pipes, starting, wait_s):
                    starting.wait(wait_s).require_success()
                    self.cgroups.freeze(self.name)
            except OperationFailed:
                if starting.pidfd >= 0:
                    starting.end()
                    starting.close()
                raise

    def _remember_init(self) -> None:
        """Find the init, and see that it did not end at once: lxc-start says success all the same."""
        pid = self.find_init()
        pidfd = None if pid is None else open_pidfd(pid)
        if pid is None or pidfd is None:
            raise OperationFailed("the container's init ended at once")
        try:
            if wait_pidfds([pidfd], _SETTLE_S):
                raise OperationFailed("the container's init ended at once")
        finally:
            os.close(pidfd)
        self.paths.init_pid(self.name).write_text(f"{pid}\n", "ascii")

    def find_init(self) -> int | None:
        """Return the pid of its init in the host's view, or None when it has no processes."""
        pids = self.cgroups.pids(self.name)
        return find_init(pids)

    def init_kind(self) -> InitKind | None:
        """Return the kind of its init, or None when it has ended."""
        pid = self.find_init()
        return None if pid is None else find_init_kind(pid)

    def ask_to_shut_down(self, signal_name: str) -> InitKind | None:
        """Send its init the signal that it understands; thaws a paused container, which could not hear it.

        Args:
            signal_name: the signal, or "" to find it by looking at the init.

        Returns:
            The kind of init that was asked; None when it has ended already.
        """
        pid = self.find_init()
        pidfd = None if pid is None else open_pidfd(pid)
        if pid is None or pidfd is None:
            return None
        try:
            kind = find_init_kind(pid)
            number = signal_number(signal_name) if signal_name else halt_signal(kind)
            send_signal(pidfd, number)
        finally:
            os.close(pidfd)
        self.cgroups.thaw(self.name)
        return kind

    def wait_for_end(self, timeout_s: float, kind: InitKind, has_sys_boot: bool) -> None:
        """Wait, on the kernel's word and without polling, until the guest has shut down.

        An init that cannot end by itself without ``sys_boot`` is taken as shut down when it has been the only process
        for two seconds.

        Args:
            timeout_s: seconds to wait at most.
            kind: the kind of init that was asked.
            has_sys_boot: whether the guest may call reboot(2).

        Raises:
            StopTimeout: the guest still runs.
        """
        stays = not (has_sys_boot or leaves_by_itself(kind))
        with self._watched_init() as (init, pidfd):
            if init is None:
                return
            ended = self._wait_until_alone(init, pidfd, timeout_s) if stays else wait_pidfds([pidfd], timeout_s)
            if not ended:
                raise self._still_running(timeout_s, kind, init)

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
        remove_parents(self.paths, current_layout())

    def end_strays(self) -> None:
        """End what a start that was cut short left outside the cgroups: LXC's own processes for this container."""
        for pid in _lxc_processes(str(self.paths.lxcpath), self.name):
            pidfd = open_pidfd(pid)
            if pidfd is not None:
                try:
                    send_signal(pidfd, signal.SIGKILL)
                    wait_pidfds([pidfd], _MONITOR_TIMEOUT_S)
                finally:
                    os.close(pidfd)

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

    @contextmanager
    def _watched_init(self) -> Iterator[tuple[int | None, int]]:
        pid = self.find_init()
        pidfd = None if pid is None else open_pidfd(pid)
        if pidfd is None:
            yield None, -1
            return
        try:
            yield pid, pidfd
        finally:
            os.close(pidfd)

    def _still_running(self, timeout_s: float, kind: InitKind, init: int) -> StopTimeout:
        details = [f"its init is {kind.value} (process {init}), asked with signal {halt_signal(kind)}"]
        if kind is InitKind.OTHER:
            details.append("it is none of systemd, BusyBox, SysV and OpenRC, so the signal is a guess")
        return StopTimeout(
            f"the guest still runs {timeout_s:g} s after it was asked to shut down",
            details=details,
            resolution="wait longer with --timeout, end it with --force, or name the signal in parameter shutdown_signal",
        )

    def _explain(self, error: HypervisorError, timeout_s: float) -> HypervisorError:
        """Say in LXC's own words why a start failed; lxc-start's are only that it failed."""
        words = log_words(self.paths.lxc_log(self.name)) or error.details
        console = _last_lines(self.paths.console_log(self.name))
        details = (*words, *(f"console: {line}" for line in console))
        if isinstance(error, CommandTimeout):
            message = f"LXC did not start the container within {timeout_s:g} s"
            resolution = "raise parameter startup_timeout, or look into the log"
        elif isinstance(error, CommandFailed):
            message = "LXC did not start the container"
            resolution = "the first line of its words is the cause"
        else:
            message, resolution = (
                error.message,
                error.resolution or "look at the guest's /sbin/init and its console log",
            )
        details = (*details, f"log: {self.paths.lxc_log(self.name)}")
        if isinstance(error, CommandFailed):
            kind = type(error)
            return kind(message, command=error.command, status=error.status, details=details, resolution=resolution)
        return OperationFailed(message, details=details, resolution=resolution)


def _wait_for_any(pids: list[int], timeout_s: float) -> None:
    pidfds = [fd for fd in map(open_pidfd, pids) if fd is not None]
    try:
        if len(pidfds) == len(pids):
            wait_pidfds(pidfds, timeout_s)
    finally:
        for pidfd in pidfds:
            os.close(pidfd)


def _empty(path: os.PathLike[str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    os.close(descriptor)


def _last_lines(path: os.PathLike[str]) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [line for line in file.read().splitlines() if line.strip()][-_LAST_CONSOLE_LINES:]
    except OSError:
        return []


def _lxc_processes(lxcpath: str, name: str) -> list[int]:
    """Return the pids of lxc-start and of the monitor for one container, by their whole command lines."""
    monitor = f"[lxc monitor] {lxcpath} {name}".encode()
    start = [b"lxc-start", b"-P", lxcpath.encode(), b"-n", name.encode()]
    found: list[int] = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().rstrip(b"\0").split(b"\0")
        except OSError:
            continue
        if words[0] == monitor or [os.path.basename(words[0]), *words[1:5]] == start:
            found.append(int(entry))
    return found
