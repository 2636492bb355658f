"""One lock per instance, between processes, freed by the kernel when its holder dies.

The lock is flock(2) on ``<directory>/<instance>``. Whoever frees it removes the file while still holding it; a waiter that
finds itself holding a file that is no longer at the path tries again, so no lock file stays and no two hold one lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hvcore.errors import Busy, HypervisorError, StateFailed

__all__ = ["InstanceLocks"]


class InstanceLocks:
    """The locks of one hypervisor's instances.

    Args:
        directory: where the lock files live; made when it is first needed.
        hypervisor: the hypervisor's name, for messages.
    """

    def __init__(self, directory: Path, hypervisor: str | None = None) -> None:
        self.directory = directory
        self.hypervisor = hypervisor
        self._held: dict[str, int] = {}

    @contextmanager
    def hold(self, instance_name: str, operation: str, *, wait_s: float = 0) -> Iterator[None]:
        """Hold an instance's lock for the body of a ``with``.

        Args:
            instance_name: the instance's name.
            operation: what it is held for; told to whoever finds it busy.
            wait_s: seconds to wait for the present holder; 0 does not wait.

        Raises:
            Busy: another process, or another thread of this one, holds it.
            StateFailed: the lock file cannot be made.
        """
        self._acquire(instance_name, operation, wait_s)
        try:
            yield
        finally:
            self._release(instance_name)

    @contextmanager
    def yielded(self, instance_name: str, operation: str) -> Iterator[None]:
        """Give a held lock to others for the body of a ``with``, then take it again.

        A soft stop does so while it waits for the guest, so that a forced stop can overtake it.

        Args:
            instance_name: the instance's name; its lock is held by the caller.
            operation: what it is held for afterwards.
        """
        if instance_name not in self._held:
            yield
            return
        self._release(instance_name)
        try:
            yield
        finally:
            self._acquire(instance_name, operation, _RETAKE_S)

    def _acquire(self, instance_name: str, operation: str, wait_s: float) -> None:
        path = self.directory / instance_name
        try:
            descriptor = _lock_file(path, instance_name, wait_s)
        except HypervisorError as error:
            error.add_context(hypervisor=self.hypervisor, instance=instance_name, operation=operation)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {operation}".encode(), 0)
        self._held[instance_name] = descriptor

    def _release(self, instance_name: str) -> None:
        descriptor = self._held.pop(instance_name, None)
        if descriptor is None:
            return
        (self.directory / instance_name).unlink(missing_ok=True)
        os.close(descriptor)


_RETAKE_S = 120.0


def _lock_file(path: Path, instance_name: str, wait_s: float) -> int:
    """Return a descriptor that holds the lock of the file that is at ``path`` now."""
    while True:
        try:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateFailed(
                f"cannot make the lock {path}: {error.strerror}",
                resolution="check free space and permissions, or set HVCORE_STATE_DIR to a directory you may write",
            ) from error
        try:
            if not _take(descriptor, wait_s):
                raise _busy(descriptor, instance_name)
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _take(descriptor: int, wait_s: float) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return wait_s > 0 and _wait_for(descriptor, wait_s)
    return True


def _wait_for(descriptor: int, wait_s: float) -> bool:
    """Take the lock within the time; flock(2) has no timeout, so the tries are spaced out."""
    import fcntl
    import time

    deadline = time.monotonic() + wait_s
    pause_s = 0.001
    while time.monotonic() < deadline:
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.05)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)


def _busy(descriptor: int, instance_name: str) -> Busy:
    pid, _, operation = os.pread(descriptor, 200, 0).decode("utf-8", "replace").partition(" ")
    holder = f"process {pid} ({operation})" if pid else "another process"
    return Busy(
        f"{instance_name} is busy: {holder} works on it",
        instance=instance_name,
        resolution="wait for it to finish, or end it; the kernel frees the lock then",
    )
