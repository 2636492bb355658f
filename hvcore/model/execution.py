"""Commands run inside an instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from hvcore.errors import InvalidInput

__all__ = ["ExecRequest", "ExecResult"]

_FOREVER_S = float("inf")


def _checked_command(words: tuple[str, ...]) -> tuple[str, ...]:
    command = tuple(words)
    if not command or not command[0] or any("\0" in word for word in command):
        raise InvalidInput(
            "the command is empty or holds a null character",
            key="command",
            value=repr(words),
            allowed="a program and its arguments",
        )
    return command


@frozen
class ExecRequest:
    """What to run inside an instance.

    Attributes:
        command: the program and its arguments; never a shell line.
        stdin: bytes to feed it; None gives it an empty input.
        environment: variables to set beside the guest's own.
        working_directory: an absolute path in the guest; "" leaves it to the hypervisor.
        timeout_s: seconds it may take, more than 0; None waits for its end.
        attached: connect it to the caller's own streams instead of capturing what it writes; without stdin and timeout.

    Raises:
        InvalidInput: naming the field that cannot be met.
    """

    command: tuple[str, ...] = field(converter=_checked_command)
    stdin: bytes | None = None
    environment: Mapping[str, str] = field(factory=dict[str, str])
    working_directory: str = ""
    timeout_s: float | None = None
    attached: bool = False

    def __attrs_post_init__(self) -> None:
        if self.timeout_s is not None and not 0 < self.timeout_s < _FOREVER_S:
            raise InvalidInput(
                "the timeout of a command must be more than 0 and finite",
                key="timeout_s",
                value=self.timeout_s,
                allowed="more than 0 s, or none",
            )
        if self.attached and (self.timeout_s is not None or self.stdin is not None):
            raise InvalidInput(
                "an attached command has the caller's own streams and no time limit",
                key="attached",
                value=True,
                allowed="neither stdin nor timeout_s beside it",
            )
        if self.working_directory and (not self.working_directory.startswith("/") or "\0" in self.working_directory):
            raise InvalidInput(
                "the working directory must be an absolute path",
                key="working_directory",
                value=self.working_directory,
                allowed="an absolute path",
            )
        for name, value in self.environment.items():
            if not name or "=" in name or "\0" in name or "\0" in value:
                raise InvalidInput(
                    f"{name!r} cannot be set in an environment",
                    key="environment",
                    value=f"{name}={value}",
                    allowed="names without '=' and null characters, and values without null characters",
                )


@frozen
class ExecResult:
    """What a command inside an instance left.

    Attributes:
        exit_status: 0 to 255; 128 plus the signal's number when a signal ended it.
        stdout: what it wrote, as bytes; empty when it was attached.
        stderr: what it wrote to the error stream, likewise.
    """

    exit_status: int
    stdout: bytes = b""
    stderr: bytes = b""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data with stable keys, ready for JSON."""
        return {
            "exit_status": self.exit_status,
            "stdout": self.stdout.decode("utf-8", "replace"),
            "stderr": self.stderr.decode("utf-8", "replace"),
        }
