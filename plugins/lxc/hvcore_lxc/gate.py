"""Starting a container paused: it is frozen when its init has been loaded and has not run one instruction.

LXC is not ready to start a container whose cgroup is frozen: it waits for the frozen child for ever. So the child is let run
to the exec of init and caught there. A ``start-host`` hook tells its pid and waits, which gives the time to catch it; when
the exec has happened the cgroup is frozen, and the process let go inside it.

Nothing is added to the guest, and no program but LXC's own and the node's ``/bin/sh`` is needed.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from hvcore.errors import OperationFailed
from hvcore.system.commands import Handle
from hvcore.system.exec_stop import ExecStop
from hvcore_lxc.document import ConfigDocument, ConfigEntry

__all__ = ["Gate"]

_HOOK = "hook"
_UP = "up"
_DOWN = "down"


@frozen
class Gate:
    """The gate of one start.

    Attributes:
        directory: where its two pipes and its hook are.
    """

    directory: Path

    def document(self, document: ConfigDocument) -> ConfigDocument:
        """Return a configuration whose start goes through the gate while there is one.

        The same configuration serves later starts, a guest's own reboot among them, which find no gate any more.
        """
        hook = shlex.quote(str(self.directory / _HOOK))
        # LXC hands this to a shell, with "exec" before it and arguments of its own behind it.
        command = f"""/bin/sh -c 'test ! -x "$0" || exec "$0"' {hook}"""
        return document.append(ConfigEntry("lxc.hook.start-host", command))

    def remove(self) -> None:
        """Remove the gate; idempotent."""
        for name in (_HOOK, _UP, _DOWN):
            (self.directory / name).unlink(missing_ok=True)
        if self.directory.is_dir():
            self.directory.rmdir()

    @contextmanager
    def open(self) -> Generator[tuple[int, int]]:
        """Make the pipes and the hook for the body of a ``with``; yields the pipes' descriptors."""
        self.remove()
        self.directory.mkdir(mode=0o700)
        up, down = self.directory / _UP, self.directory / _DOWN
        os.mkfifo(up, 0o600)
        os.mkfifo(down, 0o600)
        hook = self.directory / _HOOK
        hook.write_text(
            f'#!/bin/sh\necho "$LXC_PID" > {shlex.quote(str(up))}\nread -r word < {shlex.quote(str(down))}\n', "utf-8"
        )
        hook.chmod(0o700)
        # Read and write: opening one end never waits for the other, and the reader sees no end of file in between.
        descriptors = (os.open(up, os.O_RDWR | os.O_CLOEXEC), os.open(down, os.O_RDWR | os.O_CLOEXEC))
        try:
            yield descriptors
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
            self.remove()

    @contextmanager
    def held(self, pipes: tuple[int, int], starting: Handle, timeout_s: float) -> Generator[int]:
        """Hold the container's init at its first instruction for the body of a ``with``; yields its pid.

        Args:
            pipes: what ``open`` yielded.
            starting: the lxc-start that is under way.
            timeout_s: seconds until the init must be there.

        Raises:
            CommandFailed: LXC gave up first.
            CommandTimeout: the time is up; lxc-start was ended.
            OperationFailed: the init cannot be held.
        """
        up, down = pipes
        pid = _told_pid(up, starting, timeout_s)
        with ExecStop.on(pid) as stop:
            os.write(down, b"go\n")
            stop.wait(timeout_s)
            yield pid


def _told_pid(up: int, starting: Handle, timeout_s: float) -> int:
    import select

    poller = select.poll()
    poller.register(up, select.POLLIN)
    poller.register(starting.pidfd, select.POLLIN)
    ready = dict(poller.poll(timeout_s * 1000))
    if up in ready:
        return int(os.read(up, 64))
    # Raises with what LXC said: it took too long, or it failed.
    starting.wait(0).require_success()
    raise OperationFailed("lxc-start ended before the container's init could be caught")
