"""The one place that starts processes.

Output goes into anonymous files instead of pipes: a tool that leaves a daemon behind (``lxc-start`` does) may hand its
descriptors on, and a pipe would then never end. Waiting is done on a pidfd, so a command costs no polling interval.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING

from attrs import frozen

from hvcore.errors import CommandFailed, CommandTimeout, HypervisorError, InvalidInput, MissingRequirement
from hvcore.system.processes import wait_pidfds

if TYPE_CHECKING:
    import subprocess

__all__ = ["Completed", "Handle", "Runner", "cannot_run", "find_program", "run", "timed_out"]

_LAST_LINES = 20
_PART_BYTES = 2**20
_NOT_INSTALLED = frozenset({errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ENOEXEC, errno.EPERM})
_SAFE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@frozen
class Completed:
    """What a finished command left.

    Attributes:
        argv: the argument list.
        status: the exit status, or minus the signal's number.
        output: what it wrote, as bytes.
        errors: what it wrote to the error stream, as bytes.
    """

    argv: tuple[str, ...]
    status: int
    output: bytes = b""
    errors: bytes = b""

    @property
    def stdout(self) -> str:
        """Its output, decoded as UTF-8 with replacement characters."""
        return self.output.decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """Its error output, likewise."""
        return self.errors.decode("utf-8", "replace")

    @property
    def words(self) -> tuple[str, ...]:
        """The last lines that the tool said, error output first choice."""
        text = self.stderr.strip() or self.stdout.strip()
        return tuple(text.splitlines()[-_LAST_LINES:])

    def require_success(self) -> Completed:
        """Return self, or raise CommandFailed when the status is not zero."""
        if self.status == 0:
            return self
        ended = f"was ended by signal {-self.status}" if self.status < 0 else f"exited with status {self.status}"
        raise CommandFailed(
            f"{self.argv[0]} {ended}",
            command=self.argv,
            status=self.status,
            details=self.words or ("(it said nothing)",),
        )


class Handle:
    """A command that was started and not yet waited for."""

    def __init__(
        self, argv: tuple[str, ...], process: subprocess.Popen[bytes], stdout: IO[bytes], stderr: IO[bytes]
    ) -> None:
        self.argv = argv
        self._process = process
        self._stdout = stdout
        self._stderr = stderr
        self.pidfd = os.pidfd_open(process.pid)

    def wait(self, timeout_s: float | None) -> Completed:
        """Wait for the end and return what the command left.

        Args:
            timeout_s: seconds to wait at most; None waits for ever.

        Raises:
            CommandTimeout: it did not end in time; it and its process group were ended.
        """
        try:
            if not wait_pidfds([self.pidfd], timeout_s):
                self.end()
                raise timed_out(self._collect(), timeout_s or 0.0)
            return self._collect()
        except BaseException:
            self.end()
            raise
        finally:
            self.close()

    def end(self) -> None:
        """End the command and its process group at once."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """Release the descriptors."""
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
        self._stdout.close()
        self._stderr.close()

    def _collect(self) -> Completed:
        status = self._process.wait()
        return Completed(self.argv, status, _content(self._stdout), _content(self._stderr))


class Runner:
    """The real door to other programs; ``hvcore.testing`` ships a scripted one."""

    def spawn(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        keep_fds: Sequence[int] = (),
    ) -> Handle:
        """Start a command in a session of its own and return at once.

        Args:
            argv: the program and its arguments; never a shell line.
            stdin: bytes to feed it; None gives it an empty input.
            env: its whole environment; None gives it the caller's with a complete PATH and the C locale.
            keep_fds: descriptors that the command inherits.

        Raises:
            MissingRequirement: the program is not installed or may not be run.
            CommandFailed: the kernel had no memory, process or descriptor left for it.
            InvalidInput: a word of it holds a null character.
        """
        import subprocess
        from contextlib import ExitStack

        with ExitStack() as done, ExitStack() as undo:
            try:
                source = done.enter_context(_anonymous_file("stdin", stdin)) if stdin else subprocess.DEVNULL
                stdout = undo.enter_context(_anonymous_file("stdout"))
                stderr = undo.enter_context(_anonymous_file("stderr"))
                process = subprocess.Popen(
                    list(argv),
                    stdin=source,
                    stdout=stdout,
                    stderr=stderr,
                    env=dict(env) if env is not None else _environment(),
                    start_new_session=True,
                    pass_fds=tuple(keep_fds),
                )
                undo.callback(process.wait)
                undo.callback(process.kill)
                handle = Handle(tuple(argv), process, stdout, stderr)
            except (OSError, ValueError) as error:
                raise cannot_run(argv, error) from error
            undo.pop_all()
        return handle

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float | None,
        stdin: bytes | None = None,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command to its end and return what it left.

        Args:
            argv: the program and its arguments; never a shell line.
            timeout_s: seconds that it may take; None is for a guest's own command, which has no bound.
            stdin: bytes to feed it; None gives it an empty input.
            check: whether an exit status that is not zero is an error.
            env: its whole environment; None gives it the caller's with a complete PATH and the C locale.

        Raises:
            CommandFailed: with ``check``, the status is not zero.
            CommandTimeout: it did not end in time; it and its process group were ended.
            MissingRequirement: the program is not installed or may not be run.
        """
        completed = self.spawn(argv, stdin=stdin, env=env).wait(timeout_s)
        return completed.require_success() if check else completed

    def attach(self, argv: Sequence[str]) -> int:
        """Run a command on the caller's own terminal or streams and return its exit status.

        Raises:
            MissingRequirement: the program is not installed or may not be run.
        """
        import subprocess

        try:
            return subprocess.call(list(argv), env=_environment())
        except (OSError, ValueError) as error:
            raise cannot_run(argv, error) from error


def run(
    argv: Sequence[str],
    *,
    timeout_s: float | None,
    stdin: bytes | None = None,
    check: bool = True,
    env: Mapping[str, str] | None = None,
) -> Completed:
    """Run a command through the real door; see ``Runner.run``."""
    return Runner().run(argv, timeout_s=timeout_s, stdin=stdin, check=check, env=env)


def find_program(name: str) -> str | None:
    """Return the path of the program that a ``Runner`` would start for a name, or None when it is not installed.

    It is looked for in the caller's PATH and then in the standard directories.
    """
    import shutil

    return shutil.which(name, path=_search_path())


def timed_out(done: Completed, timeout_s: float) -> CommandTimeout:
    """Return the error of a command that was ended because it took too long.

    Args:
        done: what it had left by then.
        timeout_s: the seconds that it had.
    """
    return CommandTimeout(
        f"{done.argv[0]} did not finish within {timeout_s:g} s and was ended", command=done.argv, details=done.words
    )


def _search_path() -> str:
    """The caller's PATH and the standard directories: a daemon's bare PATH must not hide /sbin."""
    path = os.environ.get("PATH", "")
    return f"{path}:{_SAFE_PATH}" if path else _SAFE_PATH


def _environment() -> dict[str, str]:
    """The caller's environment with a complete PATH; tools must speak one language."""
    return {**os.environ, "PATH": _search_path(), "LC_ALL": "C.UTF-8"}


def _anonymous_file(name: str, content: bytes = b"") -> IO[bytes]:
    file = os.fdopen(os.memfd_create(f"hvcore-{name}"), "w+b")
    file.write(content)
    file.seek(0)
    return file


def _content(file: IO[bytes]) -> bytes:
    # Not by seeking: what the command left running shares the position, and may write on.
    parts: list[bytes] = []
    size = 0
    while part := os.pread(file.fileno(), _PART_BYTES, size):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def cannot_run(argv: Sequence[str], error: OSError | ValueError) -> HypervisorError:
    """Return the error of a command that the kernel, or Python, refused to start.

    Args:
        argv: the program and its arguments.
        error: the refusal.
    """
    command = [f"command: {' '.join(argv)!r}"]
    if isinstance(error, ValueError):
        return InvalidInput(
            f"{argv[0]!r} cannot be run: {error}",
            key="command",
            value=repr(list(argv)),
            allowed="words without a null character",
            details=command,
        )
    if error.errno in _NOT_INSTALLED:
        return MissingRequirement(
            f"{argv[0]} cannot be run: {error.strerror}",
            details=command,
            resolution=f"install the package that provides {argv[0]}, or add its directory to PATH",
        )
    return CommandFailed(
        f"{argv[0]} cannot be run: {error.strerror}",
        command=argv,
        details=command,
        resolution="check the node's free memory and the limits on processes and open files",
    )
