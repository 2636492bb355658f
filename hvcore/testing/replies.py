"""What a scripted command does: what it says, how long it takes, and how it ends."""

from __future__ import annotations

import errno
import os
import signal

from attrs import field, frozen

__all__ = ["Reply"]


def _as_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


@frozen
class Reply:
    """What a scripted command does.

    Attributes:
        output: what it writes; text becomes UTF-8.
        errors: what it writes to the error stream.
        status: its exit status, or minus the number of the signal that ends it.
        takes_s: the seconds that it takes; it is not waited for. One that takes longer than it was given has timed out.
        refused: the kernel's errno when the program cannot be started at all; 0 when it can.
    """

    output: bytes = field(default=b"", converter=_as_bytes)
    errors: bytes = field(default=b"", converter=_as_bytes)
    status: int = 0
    takes_s: float = 0.0
    refused: int = 0

    @classmethod
    def hanging(cls, output: str | bytes = b"", errors: str | bytes = b"") -> Reply:
        """Return what a command does that never ends by itself; ``output`` and ``errors`` are what it had said by then."""
        return cls(output, errors, takes_s=float("inf"))

    @classmethod
    def missing(cls) -> Reply:
        """Return what becomes of a program that is not installed."""
        return cls(refused=errno.ENOENT)

    @classmethod
    def killed(cls, by: signal.Signals = signal.SIGKILL) -> Reply:
        """Return what a command does that a signal ends."""
        return cls(status=-by)

    @property
    def refusal(self) -> OSError:
        """The kernel's refusal to start it."""
        return OSError(self.refused, os.strerror(self.refused))
