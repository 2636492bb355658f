"""The file: one line of JSON per call, appended whole, or not at all."""

from __future__ import annotations

import os
import time
from typing import Any

from hvcore import HypervisorError
from hvcore.errors import PolicyRefused

__all__ = ["Record", "outcome_of"]

_LOGGER = "hvcore.audit"


class Record:
    """Writes lines to a file that is opened anew for each, so that it may be rotated at any time."""

    def __init__(self) -> None:
        self._complained_of = ""

    def write(self, path: str, line: dict[str, Any]) -> None:
        """Append a line; a file that cannot be written is told of once and disturbs nobody.

        Args:
            path: the file; its directory is made.
            line: the fields.
        """
        import json

        text = json.dumps({**line, "time": _now(), "pid": os.getpid(), "user": _user()}).encode() + b"\n"
        try:
            os.makedirs(os.path.dirname(path) or ".", mode=0o750, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                # In one call, so that lines of several processes never mix.
                if os.write(descriptor, text) != len(text):
                    raise OSError(None, "the line was written in part")
            finally:
                os.close(descriptor)
        except OSError as error:
            self._complain(path, error.strerror or str(error))

    def _complain(self, path: str, reason: str) -> None:
        if self._complained_of != path:
            self._complained_of = path
            import logging

            logging.getLogger(_LOGGER).warning("calls are not recorded: %s: %s", path, reason)


def outcome_of(error: BaseException | None) -> dict[str, Any]:
    """Return what became of a call, as fields of its line."""
    if error is None:
        return {"outcome": "ok"}
    if isinstance(error, HypervisorError):
        outcome = "refused" if isinstance(error, PolicyRefused) else "failed"
        return {"outcome": outcome, "code": error.code, "message": error.message}
    outcome = "broken" if isinstance(error, Exception) else "interrupted"
    return {"outcome": outcome, "code": None, "message": f"{type(error).__name__}: {error}"}


def _now() -> str:
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"


def _user() -> str:
    return os.environ.get("SUDO_USER") or str(os.getuid())
