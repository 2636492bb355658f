"""The guest itself: starting it, asking it to shut down, ending it.

systemd-nspawn says when its guest is ready, and which process that is, as a service says it to systemd.

Sources: sd_notify(3); systemd 252, ``nspawn.c``: READY=1 and X_NSPAWN_LEADER_PID.
"""

from __future__ import annotations

import os
import re
import secrets
import select
import shutil
import signal
import socket
import time

from attrs import frozen

from hvcore import Instance
from hvcore.errors import MissingRequirement, OperationFailed, StopTimeout
from hvcore.system import Runner, open_pidfd, send_signal, wait_pidfds
from hvcore_nspawn.command import launch_command, nspawn_command
from hvcore_nspawn.gate import Gate, remove_gate
from hvcore_nspawn.groups import Groups
from hvcore_nspawn.params import signal_number
from hvcore_nspawn.places import Places
from hvcore_nspawn.traces import remove_traces

__all__ = ["Guest"]

_TOOL = "systemd-nspawn"
_LEADER = re.compile(r"^X_NSPAWN_LEADER_PID=([0-9]+)$", re.MULTILINE)
_LAUNCH_TIMEOUT_S = 10.0
_LOOK_S = 0.001
_SETTLE_S = 0.02
_CLEAN_UP_S = 5.0
_LAST_LINES = 12


@frozen
class Guest:
    """One instance's guest.

    Attributes:
        name: the instance's name.
        places: where it keeps what.
        groups: its cgroups.
        runner: the door to other programs.
    """

    name: str
    places: Places
    groups: Groups
    runner: Runner

    def start(self, instance: Instance, paused: bool) -> None:
        """Start it and return when its init runs, or is held before it.

        Raises:
            OperationFailed: systemd-nspawn or the init failed; the details hold their words.
        """
        log = self.places.console_log(self.name)
        log.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        log.write_bytes(b"")
        command = nspawn_command(instance, self.places, gated=paused)
        deadline = time.monotonic() + float(str(instance.parameters["startup_timeout"]))
        address = f"hvcore-nspawn-{secrets.token_hex(8)}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notices:
            notices.bind(f"\0{address}")
            if not paused:
                self._watch(self._launch(command, address), notices, deadline)
                return
            with Gate(self.places.gate(self.name)) as gate:
                supervisor = self._launch(command, address)
                self._watch(supervisor, notices, deadline, gate)
                self.groups.freeze(self.name)
                gate.open()

    def ask(self, signal_name: str) -> None:
        """Ask the init to shut down."""
        leader = self._leader()
        if leader is not None:
            try:
                send_signal(leader, signal_number(signal_name))
            finally:
                os.close(leader)

    def wait(self, timeout_s: float) -> None:
        """Wait until it has no process any more.

        Raises:
            StopTimeout: it still runs when the time is up.
        """
        deadline = time.monotonic() + timeout_s
        while self.groups.is_populated(self.name):
            pidfds = [pidfd for pidfd in map(open_pidfd, self.groups.pids(self.name)) if pidfd is not None]
            try:
                # One that ends may have been replaced, as when the guest reboots itself: then look again.
                ended = wait_pidfds(pidfds, max(deadline - time.monotonic(), 0))
            finally:
                for pidfd in pidfds:
                    os.close(pidfd)
            if pidfds and not ended:
                raise StopTimeout(
                    f"{self.name} was asked to shut down and still runs after {timeout_s:g} s",
                    resolution=f"give it more time, or end it: hv stop --force {self.name}",
                )

    def end(self) -> None:
        """End it at once and remove what systemd-nspawn leaves; idempotent.

        The init goes first, since systemd-nspawn then cleans up behind itself.
        """
        leader = self._leader()
        if leader is not None:
            try:
                send_signal(leader, signal.SIGKILL)
                self.groups.thaw(self.name)
                self.wait(_CLEAN_UP_S)
            except OperationFailed:
                pass  # what is left is ended now
            finally:
                os.close(leader)
        self.groups.kill(self.name)
        remove_gate(self.places.gate(self.name))
        remove_traces(self.name, self.places)

    def _leader(self) -> int | None:
        pid = self.groups.leader(self.name)
        return None if pid is None else open_pidfd(pid)

    def _launch(self, command: tuple[str, ...], address: str) -> int:
        """Start systemd-nspawn in the background and return a pidfd of it."""
        if shutil.which(_TOOL) is None:
            raise MissingRequirement(f"{_TOOL} is not installed", resolution="apt-get install systemd-container")
        launch = launch_command(command, self.groups.directories(self.name), self.places.console_log(self.name))
        environment = {**os.environ, "LC_ALL": "C", "NOTIFY_SOCKET": f"@{address}"}
        pid = int(self.runner.run(launch, timeout_s=_LAUNCH_TIMEOUT_S, env=environment).stdout)
        pidfd = open_pidfd(pid)
        if pidfd is None:
            raise self._failed(f"{_TOOL} ended at once")
        return pidfd

    def _watch(self, supervisor: int, notices: socket.socket, deadline: float, gate: Gate | None = None) -> None:
        """Return when the guest is there, and its init, or the gate before it, has been reached."""
        try:
            leader = self._told_leader(supervisor, notices, deadline)
            if gate is not None:
                if not gate.wait(supervisor, max(deadline - time.monotonic(), 0)):
                    raise self._failed("the guest did not come to its gate; a paused start needs /bin/sh in the guest")
                return
            tool = os.path.realpath(shutil.which(_TOOL) or _TOOL)
            while _program(leader) in {"", tool}:
                if wait_pidfds([supervisor], _LOOK_S) or time.monotonic() > deadline:
                    raise self._failed("the guest's init could not be run")
            if wait_pidfds([supervisor], _SETTLE_S):
                raise self._failed("the guest's init ended at once")
        finally:
            os.close(supervisor)

    def _told_leader(self, supervisor: int, notices: socket.socket, deadline: float) -> int:
        poller = select.poll()
        poller.register(notices, select.POLLIN)
        poller.register(supervisor, select.POLLIN)
        leader = 0
        while left_s := max(deadline - time.monotonic(), 0):
            ready = dict(poller.poll(left_s * 1000))
            if notices.fileno() in ready:
                words = notices.recv(4096).decode("utf-8", "replace")
                found = _LEADER.search(words)
                leader = int(found[1]) if found else leader
                if "READY=1" in words.splitlines() and leader:
                    return leader
            elif ready:
                raise self._failed(f"{_TOOL} could not start the guest")
        raise self._failed("the guest did not start in time")

    def _failed(self, message: str) -> OperationFailed:
        words = self.places.console_log(self.name).read_text("utf-8", "replace").splitlines()[-_LAST_LINES:]
        return OperationFailed(
            message, details=words, resolution="check the root and the parameter init; the console's log says more"
        )


def _program(pid: int) -> str:
    """Return what a process runs; "" when it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""
