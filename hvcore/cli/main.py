"""The entry of the ``hv`` command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from hvcore.errors import HypervisorError, StateFailed, one_line

__all__ = ["main"]

_OBJECTS_PER_COLLECTION = 100_000
_INTERRUPTED = 130
_PIPE_CLOSED = 141
"""What a shell reports of a program that SIGPIPE ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one ``hv`` command.

    Args:
        argv: the words after the program's name; None takes the process's own.

    Returns:
        The exit status: 0 done, 1 failed, 2 bad usage or input, 3 unsupported, 4 no such instance, 5 busy, 130
        interrupted, 141 when nobody reads the output; of ``exec`` the command's own.
    """
    if "_ARGCOMPLETE" in os.environ and argv is None:
        from hvcore.cli.completion import answer_shell

        return answer_shell()
    if argv is None:
        _collect_seldom()
    from hvcore.cli.terminal import tolerate_any_text

    words = list(sys.argv[1:] if argv is None else argv)
    options = words[: words.index("--")] if "--" in words else words
    tolerate_any_text(sys.stdout, sys.stderr)
    try:
        status = _run(words, as_json="--json" in options, debug="--debug" in options)
        sys.stdout.flush()
    except BrokenPipeError:
        return _close_pipe()
    return status


def _collect_seldom() -> None:
    """Spare the imports, which make much and throw little away, a tenth of their time."""
    import gc

    gc.set_threshold(_OBJECTS_PER_COLLECTION)


def _run(words: list[str], *, as_json: bool, debug: bool) -> int:
    from hvcore.cli.output import print_error

    try:
        return _dispatch(words)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        print("hv: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: told, never swallowed
        if debug:
            import traceback

            traceback.print_exception(error)
        failure = _as_failure(error)
    print_error(failure, as_json)
    return failure.exit_status


def _dispatch(words: list[str]) -> int:
    from hvcore.cli.plain import parse_plain
    from hvcore.cli.session import Session

    choice = parse_plain(words)
    if choice is None:
        from hvcore.cli.parser import parse

        try:
            choice = parse(words)
        except SystemExit as end:  # argparse printed help or the version
            return end.code if isinstance(end.code, int) else 0

    return choice.command.run(Session(choice.arguments), choice.arguments)


def _as_failure(error: Exception) -> HypervisorError:
    """Return any exception as an expected failure, which can be explained."""
    if isinstance(error, HypervisorError):
        return error
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return StateFailed(
            f"{where}{error.strerror or error}",
            resolution="run as root, or name directories that you may use with --state-dir and --log-dir",
        )
    return HypervisorError(
        f"unforeseen {one_line(error)}",
        resolution="this is a fault of hvcore or of a plugin: please report it with the traceback that --debug shows",
    )


def _close_pipe() -> int:
    """Keep the interpreter from complaining about the closed pipe once more when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _PIPE_CLOSED


if __name__ == "__main__":
    sys.exit(main())
