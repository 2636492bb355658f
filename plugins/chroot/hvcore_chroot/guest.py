"""What an instance has of processes: finding them exactly, pausing them, ending them."""

from __future__ import annotations

import signal
import time

from attrs import frozen

from hvcore.errors import OperationFailed
from hvcore.system.guest_watch import GuestWatch
from hvcore.system.kernel_files import read_text
from hvcore.system.process_end import describe_process, signal_until_none
from hvcore.system.processes import open_pidfd
from hvcore.system.rooted import processes_below
from hvcore_chroot.groups import Groups
from hvcore_chroot.launch import is_launcher
from hvcore_chroot.paths import ChrootPaths

__all__ = ["Guest"]

_END_TIMEOUT_S = 30.0


@frozen
class Guest:
    """One instance's processes.

    Attributes:
        name: the instance's name.
        paths: where the instance keeps what.
        groups: the instances' cgroups.
    """

    name: str
    paths: ChrootPaths
    groups: Groups

    @property
    def is_alive(self) -> bool:
        """Whether it has processes."""
        return bool(self.pids())

    def pids(self) -> tuple[int, ...]:
        """Return its processes, sorted: those with a root at or below its own, and those of its cgroup."""
        return tuple(sorted({*processes_below(str(self.paths.root(self.name))), *self.groups.pids(self.name)}))

    @property
    def has_begun(self) -> bool:
        """Whether any of its processes has come beyond the shell that a paused start holds before the script."""
        root = str(self.paths.root(self.name))
        return not all(is_launcher(_words(pid), root) for pid in self.pids())

    def watch(self) -> GuestWatch | None:
        """Watch over one of its processes; None when it has none."""
        for pid in self.pids():
            pidfd = open_pidfd(pid)
            if pidfd is not None:
                return GuestWatch([pidfd])
        return None

    def ask(self, timeout_s: float) -> tuple[int, ...]:
        """Send every process SIGTERM, once, and wait for their end.

        Args:
            timeout_s: seconds to wait at most.

        Returns:
            Those that are left.
        """
        return signal_until_none(self.pids, signal.SIGTERM, timeout_s)

    def end(self, timeout_s: float = _END_TIMEOUT_S) -> None:
        """End every process, frozen or not, again and again until none is found.

        Args:
            timeout_s: seconds to wait at most.

        Raises:
            OperationFailed: processes are left; the error names them.
        """
        deadline = time.monotonic() + timeout_s
        # First its cgroup, which the kernel can hold still or end at once, so that nobody can fork faster than he dies.
        self.groups.kill(self.name, timeout_s)
        left = signal_until_none(self.pids, signal.SIGKILL, max(deadline - time.monotonic(), 0.0))
        if left:
            raise OperationFailed(
                f"{len(left)} process(es) of {self.name} did not end within {timeout_s:g} s:"
                f" {', '.join(map(str, left))}",
                details=[describe_process(pid) for pid in left],
                resolution="they wait inside the kernel, often for storage or a network file system; try again later",
            )


def _words(pid: int) -> list[str]:
    return (read_text(f"/proc/{pid}/cmdline") or "").split("\0")
