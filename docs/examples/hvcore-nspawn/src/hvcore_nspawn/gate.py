"""The gate of a paused start: the guest waits at it before its init, so that it can be frozen there.

Two named pipes in a directory that the guest sees: it says ``here`` and waits for a word on ``go``, which it can only read
when it is thawed.
"""

from __future__ import annotations

import os
import select
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Gate", "remove_gate"]


class Gate:
    """An open gate; a context manager.

    Args:
        directory: where its pipes are made.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o755, exist_ok=True)
        paths = [directory / name for name in ("here", "go")]
        for path in paths:
            path.unlink(missing_ok=True)
            os.mkfifo(path, 0o600)
        # fifo(7): Linux opens a pipe for both directions without waiting for anybody.
        self._here, self._go = (os.open(path, os.O_RDWR | os.O_CLOEXEC) for path in paths)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._here)
        os.close(self._go)

    def wait(self, supervisor: int, timeout_s: float) -> bool:
        """Wait until the guest has come to the gate.

        Args:
            supervisor: a pidfd of systemd-nspawn.
            timeout_s: seconds to wait.

        Returns:
            Whether it has; False when systemd-nspawn ended first or the time is up.
        """
        poller = select.poll()
        poller.register(self._here, select.POLLIN)
        poller.register(supervisor, select.POLLIN)
        return self._here in dict(poller.poll(timeout_s * 1000))

    def open(self) -> None:
        """Let the guest pass, as soon as it can run."""
        os.write(self._go, b"go\n")


def remove_gate(directory: Path) -> None:
    """Remove a gate; idempotent."""
    for name in ("here", "go"):
        (directory / name).unlink(missing_ok=True)
    if directory.is_dir():
        directory.rmdir()
