"""The verb ``exec``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hvcore.cli.arguments import add_instance, add_timeout
from hvcore.cli.verbs import Arguments, Command
from hvcore.errors import InvalidInput

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session
    from hvcore.model.execution import ExecResult

__all__ = ["COMMANDS"]


def _configure(parser: ArgumentParser) -> None:
    from hvcore.cli.values import variable

    parser.usage = "hv exec NAME [options] -- COMMAND [ARGUMENT ...]"
    add_instance(parser)
    parser.add_argument(
        "--env", metavar="K=V", type=variable, action="append", default=[], help="a variable to set; may be repeated"
    )
    parser.add_argument("--cwd", metavar="DIR", default="", help="an absolute path in the guest to run it in")
    add_timeout(parser, "seconds that it may take; its input is then empty, and its output comes at its end")


def _exec(session: Session, arguments: Arguments) -> int:
    command: list[str] = arguments.words
    if not command:
        raise InvalidInput(
            "exec: no command was given",
            key="command",
            allowed="a program and its arguments after --",
            resolution="as in: hv exec NAME -- ls -l",
        )
    result = session.owner(arguments.name).exec_in_instance(
        arguments.name,
        command,
        environment=dict(arguments.env),
        working_directory=arguments.cwd,
        timeout_s=arguments.timeout,
        # A command on the caller's own streams cannot be timed, and what it writes cannot be kept.
        attached=not session.as_json and arguments.timeout is None,
    )
    if session.as_json:
        from hvcore.cli.output import print_json

        print_json(result.to_dict())
    else:
        _pass_on(result)
    return result.exit_status


def _pass_on(result: ExecResult) -> None:
    """Write what a command wrote, byte for byte."""
    sys.stdout.buffer.write(result.stdout)
    sys.stdout.flush()
    sys.stderr.buffer.write(result.stderr)
    sys.stderr.flush()


COMMANDS = {"exec": Command(_configure, _exec)}
