"""The script that starts and stops what runs in an instance's root."""

from __future__ import annotations

import errno
import os
import stat
import time

from attrs import frozen

from hvcore.errors import CommandFailed, CommandTimeout, OperationFailed
from hvcore.system.commands import Completed, Runner
from hvcore.system.processes import open_pidfd, wait_pidfds
from hvcore_chroot.groups import Groups
from hvcore_chroot.guest import Guest
from hvcore_chroot.launch import MARK, background_command, environment_of, logged_command
from hvcore_chroot.paths import ChrootPaths

__all__ = ["Script"]

_LAST_LINES = 20
_SETTLE_S = 0.01
_ENTER_TIMEOUT_S = 10.0
_LOOK_S = 0.001
_OWN_STATUS = {
    125: "it could not be put into the instance",
    126: "the script cannot be run",
    127: "the script, or the program that its first line names, is not in the root",
}


@frozen
class Script:
    """One instance's script.

    Attributes:
        name: the instance's name.
        path: where the script is, seen from the root.
        paths: where the instance keeps what.
        groups: the instances' cgroups.
        runner: the door to other programs.
    """

    name: str
    path: str
    paths: ChrootPaths
    groups: Groups
    runner: Runner

    def check(self) -> None:
        """See that the script is in the root and can be run; links in the root lead to where they lead for the guest.

        Raises:
            OperationFailed: it is not, or cannot.
        """
        from hvcore.system import libc

        root = os.open(self.paths.root(self.name), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            script = libc.open_in_root(root, self.path)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES}:
                raise
            raise self._unusable("is not in the root") from error
        finally:
            os.close(root)
        try:
            mode = os.fstat(script).st_mode
        finally:
            os.close(script)
        if not stat.S_ISREG(mode):
            raise self._unusable("is not a file")
        if not mode & 0o111:
            raise self._unusable("is not executable")

    def start(self, timeout_s: float) -> None:
        """Run it with ``start`` and see that it leaves processes.

        Args:
            timeout_s: seconds that it may take; 0 means no limit.

        Raises:
            CommandFailed: it failed; the details are its own words.
            CommandTimeout: it did not end in time.
            OperationFailed: it ended with 0 and left nothing that runs.
        """
        self.check()
        self.empty_log()
        self.run("start", timeout_s or None, "raise parameter startup_timeout; a service must go to the background")
        if not self._leaves_processes():
            raise OperationFailed(
                f"{self.path} start ended with 0 and left no process in the root, so {self.name} does not run",
                details=self._words(0),
                resolution=f"let {self.path} start something that stays; the log is {self.paths.console_log(self.name)}",
            )

    def start_paused(self) -> None:
        """Put the script's process into the frozen cgroup: it runs when the instance is resumed, and not before.

        Raises:
            Unsupported: the node has no freezer.
            OperationFailed: it did not get there.
        """
        self.check()
        self.empty_log()
        self.groups.freeze(self.name)
        command = background_command(*self._place(), (self.path, "start"))
        self.runner.run(command, timeout_s=_ENTER_TIMEOUT_S)
        deadline = time.monotonic() + _ENTER_TIMEOUT_S
        while not self.groups.pids(self.name):
            if time.monotonic() > deadline:
                raise OperationFailed(
                    f"{self.path} did not enter the cgroup of {self.name}",
                    details=self._words(0),
                    resolution="look into the log; the node may have no processes or memory left",
                )
            time.sleep(_LOOK_S)
        # Once more: this waits until the kernel says that the newcomer stands still.
        self.groups.freeze(self.name)

    def run(self, verb: str, timeout_s: float | None, when_late: str) -> None:
        """Run it with a word and wait for its end; what it writes goes to the console log.

        Args:
            verb: ``start`` or ``stop``.
            timeout_s: seconds that it may take; None means no limit.
            when_late: what to do when it takes longer.

        Raises:
            CommandFailed: it failed; the details are its own words.
            CommandTimeout: it did not end in time; it was ended, what it has put into the background was not.
        """
        log = self.paths.console_log(self.name)
        size = log.stat().st_size if log.exists() else 0
        command = logged_command(*self._place(), (self.path, verb))
        try:
            done = self.runner.spawn(command).wait(timeout_s)
        except CommandTimeout as error:
            raise CommandTimeout(
                f"{self.path} {verb} did not end within {timeout_s:g} s and was ended",
                command=(self.path, verb),
                details=self._words(size),
                resolution=when_late,
            ) from error
        self._require_success(done, verb, size)

    def empty_log(self) -> None:
        """Empty the console log, or make it."""
        log = self.paths.console_log(self.name)
        log.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        os.close(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))

    def _require_success(self, done: Completed, verb: str, size: int) -> None:
        if done.status == 0:
            return
        words = self._words(size) or done.words
        # The script may end with the same status for reasons of its own.
        why = _OWN_STATUS.get(done.status) if any(map(_is_launchers, words)) else None
        how = f"exited with status {done.status}" if done.status > 0 else f"was ended by signal {-done.status}"
        raise CommandFailed(
            f"{self.path} {verb} {how}" + (f": {why}" if why else ""),
            command=(self.path, verb),
            status=done.status,
            details=words or ("(it said nothing)",),
            resolution=f"mend {self.path} in the root; its whole log is {self.paths.console_log(self.name)}",
        )

    def _leaves_processes(self) -> bool:
        """Whether something runs, and does not end with the script."""
        guest = Guest(self.name, self.paths, self.groups)
        pidfds = [fd for fd in map(open_pidfd, guest.pids()) if fd is not None]
        try:
            while pidfds and (ended := wait_pidfds(pidfds, _SETTLE_S)):
                for pidfd in ended:
                    pidfds.remove(pidfd)
                    os.close(pidfd)
        finally:
            for pidfd in pidfds:
                os.close(pidfd)
        return bool(pidfds) or guest.is_alive

    def _place(self) -> tuple[str, str, tuple[str, ...], dict[str, str]]:
        log, root = str(self.paths.console_log(self.name)), str(self.paths.root(self.name))
        return log, root, self.groups.entries(self.name), environment_of(self.name)

    def _words(self, size: int) -> tuple[str, ...]:
        """The last lines in the log from a place on."""
        try:
            with open(self.paths.console_log(self.name), "rb") as file:
                file.seek(size)
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ()
        return tuple(line for line in text.splitlines() if line.strip())[-_LAST_LINES:]

    def _unusable(self, why: str) -> OperationFailed:
        return OperationFailed(
            f"{self.path} {why} of {self.name}"
            if why.endswith("root")
            else f"{self.path} in the root of {self.name} {why}",
            resolution="put an executable script there, or name another one in parameter init_script",
        )


def _is_launchers(line: str) -> bool:
    """Tell whether a line was said by chroot(8) or by the shell before it, not by the script."""
    program = line.partition(":")[0]
    return program == MARK or os.path.basename(program) in {"chroot", "env"}
