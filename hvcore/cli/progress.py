"""A line on stderr that says what is being done, while a person waits."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hvcore.cli.terminal import clean, is_terminal

if TYPE_CHECKING:
    import threading

__all__ = ["Progress"]

_PATIENCE_S = 0.5
_REDRAW_S = 0.1
_FRAMES = "|/-\\"
_ERASE = "\r\x1b[K"


class Progress:
    """Shows ``| starting web1: mount 1.2 s`` from half a second on; erased at the end.

    Nothing is shown where stderr is not a terminal.

    Args:
        text: what is being done.
        patience_s: seconds before the line appears.
    """

    def __init__(self, text: str, patience_s: float = _PATIENCE_S) -> None:
        self.text = text
        self._patience_s = patience_s
        self._step = ""
        self._began = time.monotonic()
        self._thread: threading.Thread | None = None
        self._ended: threading.Event | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def note(self, step: str, moment: str) -> None:
        """Hear of a step of the operation; an ``Observer``."""
        self._step = f"undoing {step}" if moment in {"undo", "undone"} else step

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        if is_terminal(sys.stderr):
            import threading

            self._ended = threading.Event()
            self._thread = threading.Thread(target=self._draw, args=(self._ended,), name="hv-progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._ended and self._thread:
            self._ended.set()
            self._thread.join()

    def _draw(self, ended: threading.Event) -> None:
        if ended.wait(self._patience_s):
            return
        frame = 0
        try:
            while True:
                sys.stderr.write(f"{_ERASE}{self._line(frame)}")
                sys.stderr.flush()
                frame += 1
                if ended.wait(_REDRAW_S):
                    break
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
        except (OSError, ValueError):
            # The terminal is gone; the operation itself does not depend on it.
            return

    def _line(self, frame: int) -> str:
        import shutil

        step = f": {self._step}" if self._step else ""
        line = clean(f"{_FRAMES[frame % len(_FRAMES)]} {self.text}{step} {self.elapsed_s:.1f} s")
        # A line that wraps could not be erased.
        return line[: shutil.get_terminal_size().columns - 1]
