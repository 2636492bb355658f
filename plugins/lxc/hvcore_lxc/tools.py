"""LXC's own programs: how they are called, and what they say.

Sources: lxc-start(1), lxc-attach(1), lxc-console(1); the line format of LXC's log (``log.c``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hvcore.errors import OperationFailed
from hvcore.model.execution import ExecRequest
from hvcore.system.commands import Runner

__all__ = ["attach_command", "console_command", "log_words", "lxc_version", "start_command"]

_LEVEL = "INFO"
_ERROR_LINE = re.compile(
    r"^\S+ \S* ?\d{14,}\.\d+ (?P<level>ERROR|WARN) +(?P<part>\S+) - (?P<place>\S+) - (?P<words>.*)$"
)
_HINT = re.compile(r"To get more details|Additional information can be obtained|The container failed to start")
# What follows from any failure: only worth telling when LXC said nothing else.
_CONSEQUENCE = re.compile(
    r"Received container state|An error occurred in another process|Failed to spawn container|Sync wait failure"
    r"|Failed to receive the container state|Failed to create lxc_container"
)
_MOST_WORDS = 12
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_VERSION_TIMEOUT_S = 10.0
_GUEST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def start_command(lxcpath: Path, name: str, log: Path) -> list[str]:
    """Return the command that starts a container in the background."""
    return ["lxc-start", "-P", str(lxcpath), "-n", name, "-o", str(log), "-l", _LEVEL]


def console_command(lxcpath: str, name: str, has_ttys: bool) -> tuple[str, ...]:
    """Return the command that attaches to a terminal of a container, or to its console when it has no terminals."""
    terminal = () if has_ttys else ("-t", "0")
    return ("lxc-console", "-P", lxcpath, "-n", name, *terminal)


def attach_command(lxcpath: Path, name: str, request: ExecRequest, mark: str) -> list[str]:
    """Return the command that runs another inside a container.

    Args:
        lxcpath: LXC's directory of containers.
        name: the container.
        request: what to run.
        mark: a variable assignment by which the command and its children can be found again.
    """
    environment = {"PATH": _GUEST_PATH, **request.environment}
    variables = [f"--set-var={key}={value}" for key, value in environment.items()]
    command: Sequence[str] = request.command
    if request.working_directory:
        # lxc-attach has no option for it; the guest's own shell changes there, and becomes the command.
        script = 'cd -- "$1" && shift && exec "$@"'
        command = ("/bin/sh", "-c", script, "sh", request.working_directory, *command)
    return [
        "lxc-attach",
        "-P",
        str(lxcpath),
        "-n",
        name,
        "--clear-env",
        f"--set-var={mark}",
        *variables,
        "--",
        *command,
    ]


def log_words(log: Path) -> tuple[str, ...]:
    """Return what LXC's log says went wrong, the first cause first.

    Args:
        log: the log of one start.

    Returns:
        Its errors, without those that follow from any failure. Warnings before the first error are told when the same part
        of LXC gave them, for they say what the error does not; all of them when there is no error.
    """
    try:
        lines = log.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ()
    matches = [match for match in map(_ERROR_LINE.match, lines) if match and not _HINT.search(match["words"])]
    errors = [match for match in matches if match["level"] == "ERROR"]
    if errors:
        first = matches.index(errors[0])
        before = [match for match in matches[:first] if match["part"] == errors[0]["part"]]
        causes = [match for match in (*before, *errors) if not _CONSEQUENCE.search(match["words"])]
        matches = causes or errors
    return tuple(dict.fromkeys(map(_told, matches)))[:_MOST_WORDS]


def _told(match: re.Match[str]) -> str:
    return f"lxc: {match['words']} ({match['place'].rpartition('/')[2]})"


def lxc_version(runner: Runner) -> tuple[int, ...]:
    """Ask LXC for its version.

    Returns:
        Its numbers, such as (5, 0, 2).

    Raises:
        MissingRequirement: LXC is not installed.
        OperationFailed: it answered something else.
    """
    said = runner.run(["lxc-start", "--version"], timeout_s=_VERSION_TIMEOUT_S).stdout.strip()
    match = _VERSION.match(said)
    if match is None:
        raise OperationFailed(f"lxc-start --version said {said!r}", resolution="reinstall LXC")
    return tuple(int(number) for number in match.groups() if number is not None)
