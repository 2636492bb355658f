"""One lock per instance, between processes, freed by the kernel when its holder dies.

The lock is flock(2) on ``<directory>/<instance>``. Whoever frees it removes the file while still holding it; a waiter
that finds itself holding a file that is no longer at the path tries again, so no lock file stays and no two hold one
lock. Only a holder that was killed leaves its file, for the next one to take over.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from hvcore.errors import Busy, HypervisorError, StateFailed

__all__ = ["InstanceLocks"]

_RETAKE_S = 120.0
_DEAD_HOLDER_S = 2.0
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.001, 0.05


class InstanceLocks:
    """The locks of one hypervisor's instances.

    Args:
        directory: where the lock files live; made when it is first needed.
        hypervisor: the hypervisor's name, for messages.
    """

    def __init__(self, directory: Path, hypervisor: str | None = None) -> None:
        self.directory = directory
        self.hypervisor = hypervisor
        # By instance and thread: while one thread has yielded a lock, another may hold it.
        self._held: dict[tuple[str, int], int] = {}

    @contextmanager
    def hold(self, instance_name: str, operation: str, *, wait_s: float = 0) -> Generator[None]:
        """Hold an instance's lock for the body of a ``with``.

        Args:
            instance_name: the instance's name.
            operation: what it is held for; told to whoever finds it busy.
            wait_s: seconds to wait for the present holder; 0 does not wait.

        Raises:
            Busy: another process, or this one already, holds it.
            StateFailed: the lock file cannot be made.
        """
        self._acquire(instance_name, operation, wait_s)
        try:
            yield
        finally:
            self._release(instance_name)

    @contextmanager
    def yielded(self, instance_name: str, operation: str) -> Generator[None]:
        """Give a held lock to others for the body of a ``with``, then take it again.

        A soft stop does so while it waits for the guest, so that a forced stop can overtake it. What others did
        meanwhile is for the caller to find out.

        Args:
            instance_name: the instance's name; its lock is held by the calling thread, or nothing is done.
            operation: what it is held for afterwards.

        Raises:
            Busy: another process still holds it after two minutes.
        """
        if _key(instance_name) not in self._held:
            yield
            return
        self._release(instance_name)
        try:
            yield
        finally:
            self._acquire(instance_name, operation, _RETAKE_S)

    def _acquire(self, instance_name: str, operation: str, wait_s: float) -> None:
        try:
            descriptor = _lock_file(self.directory / instance_name, instance_name, wait_s)
        except HypervisorError as error:
            error.add_context(hypervisor=self.hypervisor, instance=instance_name, operation=operation)
            raise
        self._held[_key(instance_name)] = descriptor
        # Who holds it is only told for the sake of messages; on a full disk, stopping must still be possible.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {operation}".encode(), 0)

    def _release(self, instance_name: str) -> None:
        descriptor = self._held.pop(_key(instance_name), None)
        if descriptor is None:
            return
        path = self.directory / instance_name
        try:
            # Where somebody removed the file by hand, there may be another one by now, which is not ours to remove.
            # One that cannot be removed does no harm: the next holder takes it over.
            with suppress(OSError):
                if _is_at(descriptor, path):
                    path.unlink()
        finally:
            os.close(descriptor)


def _key(instance_name: str) -> tuple[str, int]:
    import threading

    return instance_name, threading.get_ident()


def _lock_file(path: Path, instance_name: str, wait_s: float) -> int:
    """Return a descriptor that holds the lock of the file that is at ``path`` now."""
    import time

    deadline = time.monotonic() + wait_s
    pause_s = _SHORTEST_PAUSE_S
    while True:
        descriptor = _open(path)
        try:
            if _take(descriptor):
                if _is_at(descriptor, path):
                    return descriptor
            elif time.monotonic() >= deadline + (_DEAD_HOLDER_S if _holder_is_dead(descriptor) else 0):
                raise _busy(descriptor, instance_name)
            else:
                # flock(2) has no timeout, so the tries are spaced out.
                time.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateFailed(
            f"cannot make the lock {path}: {error.strerror}",
            resolution="run it as root, who may write there, or set HVCORE_STATE_DIR to a directory you may write",
        ) from error


def _take(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder_is_dead(descriptor: int) -> bool:
    """Tell whether the holder was killed, while a tool that it was just starting has its descriptors for a moment more."""
    from hvcore.system.kernel_files import read_text

    pid = _read_holder(descriptor)[0]
    stat = read_text(f"/proc/{pid}/stat") if pid else "?"
    return not stat or stat.rpartition(")")[2].split()[:1] in (["Z"], ["X"])


def _read_holder(descriptor: int) -> tuple[str, str]:
    """Return the pid of the holder and what it does, "" where it could not be written."""
    pid, _, operation = os.pread(descriptor, 200, 0).decode("utf-8", "replace").partition(" ")
    return (pid, operation) if pid.isdigit() else ("", "")


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)


def _busy(descriptor: int, instance_name: str) -> Busy:
    pid, operation = _read_holder(descriptor)
    holder = f"process {pid} ({operation})" if pid else "another process"
    return Busy(
        f"{instance_name} is busy: {holder} works on it",
        instance=instance_name,
        resolution="wait for it to finish, or end it; the kernel frees the lock then",
    )
