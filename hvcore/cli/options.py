"""The parser of a verb, and the options that all verbs share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from hvcore.errors import InvalidInput

__all__ = ["PROGRAM", "Parser", "add_global_options"]

PROGRAM = "hv"


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of printing, and never guesses what a shortened option means."""

    @property
    def verb(self) -> str:
        """The verb and a colon, for messages; nothing for the parser of all verbs."""
        verb = self.prog.removeprefix(PROGRAM).strip()
        return f"{verb}: " if verb else ""

    @property
    def short_usage(self) -> str:
        """Where the usage is told, for messages."""
        return f"'{self.prog} --help' shows the usage"

    @property
    def options(self) -> list[str]:
        """The options that the parser knows, as they are written."""
        return [option for action in self._actions for option in action.option_strings]

    def error(self, message: str) -> NoReturn:
        """Raise the parser's complaint as bad input."""
        text = message.removeprefix("argument ").replace("the following arguments are required:", "missing:")
        raise InvalidInput(f"{self.verb}{text}", resolution=self.short_usage)


def add_global_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every verb takes."""
    group = parser.add_argument_group("global options")
    named = group.add_argument("-H", "--hypervisor", metavar="NAME", help="the hypervisor to use")
    named.completer = _hypervisors  # type: ignore[attr-defined]  # read by argcomplete
    group.add_argument("--json", action="store_true", help="print JSON for programs")
    group.add_argument("--debug", action="store_true", help="print the traceback of an error")
    group.add_argument("--state-dir", metavar="DIR", help="where state lives (HVCORE_STATE_DIR, else /run/hvcore)")
    group.add_argument("--log-dir", metavar="DIR", help="where logs live (HVCORE_LOG_DIR, else /var/log/hvcore)")
    group.add_argument("--no-plugins", action="store_true", help="use only what ships with hvcore itself")
    group.add_argument(
        "--trace", action="store_true", help="tell every hook call on stderr, as a tree (HVCORE_TRACE=1)"
    )
    group.add_argument("--version", action=_Version)


class _Version(argparse.Action):
    """Print the version and end."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help="print the version")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from hvcore import __version__

        print(f"{PROGRAM} {__version__}")
        parser.exit()


def _hypervisors(**known: Any) -> list[str]:
    from hvcore.cli.completers import complete_hypervisors

    return complete_hypervisors(**known)
