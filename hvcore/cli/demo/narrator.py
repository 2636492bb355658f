"""How the tour talks: a heading per scene, the command to type, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from hvcore.cli.progress import Progress
from hvcore.cli.terminal import clean, paint, use_colour

__all__ = ["Narrator"]

_MARGIN = "   "


class Narrator:
    """Writes the tour to stdout, line by line, and what is being done to stderr."""

    def __init__(self) -> None:
        self.colour = use_colour(sys.stdout)
        self._scene = 0
        self._progress: Progress | None = None

    def heading(self, text: str, command: str = "") -> None:
        """Begin a scene.

        Args:
            text: what it shows.
            command: what one would type to see it.
        """
        self._scene += 1
        print(f"\n{paint(f'{self._scene}. {text}', 'bold', self.colour)}", flush=True)
        if command:
            self.type(command)

    def type(self, command: str) -> None:
        """Show a command as one would type it."""
        print(f"{_MARGIN}{paint(f'$ {command}', 'cyan', self.colour)}", flush=True)

    def say(self, text: str) -> None:
        """Write words, indented; colours in them are kept."""
        for line in text.split("\n"):
            print(f"{_MARGIN}{line}".rstrip(), flush=True)

    def show(self, text: str) -> None:
        """Write what a guest or a file said, indented and harmless."""
        self.say("\n".join(f"| {line}" for line in clean(text).rstrip("\n").split("\n")))

    @contextmanager
    def doing(self, text: str, done: str) -> Generator[None]:
        """Show that something is being done, live, and in the end how long it took.

        Args:
            text: what is being done.
            done: what to say once it is done.
        """
        with Progress(text, patience_s=0) as progress:
            self._progress = progress
            try:
                yield
            finally:
                self._progress = None
        self.say(f"{paint('ok', 'green', self.colour)} {done} in {progress.elapsed_s * 1000:.0f} ms")

    def observe(self, step: str, moment: str) -> None:
        """Hear of a step of the operation that is being done."""
        if self._progress:
            self._progress.note(step, moment)
