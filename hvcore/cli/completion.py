"""The verb ``completion``, and the answer to a shell that completes a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.cli.verbs import Arguments, Command

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session

__all__ = ["COMMANDS", "answer_shell"]

_SHELLS = ("bash", "zsh", "fish")


def answer_shell() -> int:
    """Write what could stand at the cursor to the descriptor that the shell waits on, and end the process."""
    import argcomplete

    from hvcore.cli.parser import build_full_parser

    # Names come alone where a name is due; options are offered to who has typed a hyphen.
    argcomplete.autocomplete(build_full_parser(), always_complete_options=False)
    return 0


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=_SHELLS, help=" | ".join(_SHELLS))


def _completion(session: Session, arguments: Arguments) -> int:
    from argcomplete.shell_integration import shellcode

    code = shellcode(["hv"], shell=arguments.shell)
    if session.as_json:
        from hvcore.cli.output import print_json

        print_json({"shell": arguments.shell, "code": code})
    else:
        print(code)
    return 0


COMMANDS = {"completion": Command(_configure, _completion)}
