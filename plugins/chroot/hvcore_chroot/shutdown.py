"""Asking an instance to shut down: its script first, then SIGTERM for what the script leaves."""

from __future__ import annotations

import time

from attrs import frozen

from hvcore.errors import CommandFailed, CommandTimeout, HypervisorError, StopTimeout
from hvcore.system.process_end import describe_process
from hvcore_chroot.guest import Guest
from hvcore_chroot.script import Script

__all__ = ["Shutdown"]

_FORCE = "end what runs with --force"


@frozen
class Shutdown:
    """The shutdown of one instance's guest.

    Attributes:
        guest: its processes.
        script: its script.
        term_timeout_s: seconds that processes have after SIGTERM, before they may be ended.
    """

    guest: Guest
    script: Script
    term_timeout_s: float

    def run(self, timeout_s: float, retry: bool) -> HypervisorError | None:
        """Ask the guest; a paused one runs on, since it could not hear. One that has not begun has nothing to be asked.

        Args:
            timeout_s: seconds for all of it.
            retry: the script was run before in the same shutdown, so it is not run again.

        Returns:
            None when nothing is left, or what is left has had its ``term_timeout_s`` and may be ended; otherwise why the
            guest still runs.
        """
        if not self.guest.has_begun:
            return None
        deadline = time.monotonic() + timeout_s
        self.guest.groups.thaw(self.guest.name)
        if not retry:
            failure = self._run_script(timeout_s)
            if failure is not None:
                return failure if self.guest.is_alive else None
        patience_s = max(min(self.term_timeout_s, deadline - time.monotonic()), 0.0)
        if not self.guest.is_alive:
            return None
        left = self.guest.ask(patience_s)
        return self._too_late(timeout_s, left) if left and patience_s < self.term_timeout_s else None

    def _run_script(self, timeout_s: float) -> HypervisorError | None:
        try:
            self.script.run("stop", timeout_s, "wait longer with --timeout, or end the guest with --force")
        except CommandTimeout as error:
            return StopTimeout(
                f"the guest still runs {timeout_s:g} s after it was asked to shut down: {error.message}",
                details=(*error.details, *map(describe_process, self.guest.pids())),
                resolution=f"wait longer with --timeout, or {_FORCE}",
            )
        except CommandFailed as error:
            error.resolution = f"{error.resolution}; or {_FORCE}"
            return error
        return None

    def _too_late(self, timeout_s: float, left: tuple[int, ...]) -> StopTimeout:
        return StopTimeout(
            f"the guest still runs {timeout_s:g} s after it was asked to shut down",
            details=[f"{describe_process(pid)}, and has been sent SIGTERM" for pid in left],
            resolution=f"wait longer with --timeout ({self.term_timeout_s:g} s after SIGTERM, processes are ended), or {_FORCE}",
        )
