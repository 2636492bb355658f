"""The console log: one line per event of an instance's life; it outlives the instance."""

from __future__ import annotations

import time
from pathlib import Path

__all__ = ["ConsoleLog"]


class ConsoleLog:
    """The log of one instance.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, line: str) -> None:
        """Make the log if need be and write its next line.

        Raises:
            OSError: it cannot be written.
        """
        self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._append(line)

    def say(self, line: str) -> None:
        """Write a line about what has been done; a log that cannot be written any more keeps nobody from doing it."""
        try:
            self._append(line)
        except OSError as error:
            import logging

            logging.getLogger("hvcore.fake").warning("%s: cannot write %r: %s", self.path, line, error.strerror)

    def _append(self, line: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(f"{stamp} {line}\n")
