"""Why a start failed, in LXC's own words: lxc-start itself says no more than that it did."""

from __future__ import annotations

import os

from hvcore.errors import CommandFailed, CommandTimeout, HypervisorError
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.tools import log_words

__all__ = ["explained"]

_LAST_CONSOLE_LINES = 5
_SILENCE = "Sync wa"
# The child was ended before it could say why; the kernel's out-of-memory killer does that.
_SILENT_END = "LXC does not know the cause; most often the memory is too small for a start, so raise memory_mib"
_LOOK_AT_INIT = "look at the guest's /sbin/init and its console log"


def explained(error: HypervisorError, paths: LxcPaths, name: str, timeout_s: float) -> HypervisorError:
    """Return the error of a failed start with LXC's words and the last lines of the guest's console.

    Args:
        error: what was raised.
        paths: where the logs are.
        name: the instance's name.
        timeout_s: seconds that LXC had.
    """
    log = paths.lxc_log(name)
    console = [f"console: {line}" for line in _last_lines(paths.console_log(name))]
    details = (*(log_words(log) or error.details), *console, f"log: {log}")
    if isinstance(error, CommandTimeout):
        return CommandTimeout(
            f"LXC did not start the container within {timeout_s:g} s",
            command=error.command,
            details=details,
            resolution="raise parameter startup_timeout, or look into the log",
        )
    if isinstance(error, CommandFailed):
        return CommandFailed(
            "LXC did not start the container",
            command=error.command,
            status=error.status,
            details=details,
            resolution=_SILENT_END
            if any(_SILENCE in line for line in details)
            else "the first line of its words is the cause",
        )
    error.details = details
    error.resolution = error.resolution or _LOOK_AT_INIT
    return error


def _last_lines(path: os.PathLike[str]) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [line for line in file.read().splitlines() if line.strip()][-_LAST_CONSOLE_LINES:]
    except OSError:
        return []
