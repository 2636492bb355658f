"""A bell that one process rings to wake others: nobody has to ask again and again.

It is a named pipe. A listener opens its reading end; to ring is to open and close the writing end, which ends the pipe for
everyone who listens at that moment.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Bell", "Listener"]


class Listener:
    """Somebody who has been listening since the bell was opened.

    Args:
        descriptor: the reading end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def wait(self, timeout_s: float) -> bool:
        """Wait until the bell has been rung.

        Args:
            timeout_s: seconds to wait at most.

        Returns:
            Whether it was rung in time.
        """
        import select

        poller = select.poll()
        poller.register(self._descriptor, select.POLLIN)
        # Rounded up, so that a caller who waits for a moment finds that it has come.
        return bool(poller.poll(math.ceil(max(timeout_s, 0) * 1000)))


class Bell:
    """A bell at a path that several processes know.

    Args:
        path: where the named pipe is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def hang_up(self) -> None:
        """Make the bell, unless it is there."""
        try:
            os.mkfifo(self.path, 0o600)
        except FileExistsError:
            return

    def ring(self) -> None:
        """Wake everyone who listens."""
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        except OSError as error:
            # Nobody listens, or there is no bell to listen to.
            if error.errno not in {errno.ENXIO, errno.ENOENT}:
                raise

    def remove(self) -> None:
        """Wake everyone who listens, for the last time."""
        self.ring()
        self.path.unlink(missing_ok=True)

    @contextmanager
    def listening(self) -> Generator[Listener]:
        """Listen for the body of a ``with``; what is rung before ``wait`` is called is heard, too.

        Raises:
            FileNotFoundError: there is no bell.
        """
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            yield Listener(descriptor)
        finally:
            os.close(descriptor)
