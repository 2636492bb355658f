"""Arguments that several verbs share, each with what completes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser

__all__ = ["add_file", "add_graph", "add_hook", "add_instance", "add_paused", "add_timeout"]


def add_instance(parser: ArgumentParser, *, optional: bool = False) -> None:
    """Add the name of an instance, completed with those that have state on disk."""
    action = parser.add_argument("name", metavar="NAME", nargs="?" if optional else None, help="the instance's name")
    action.completer = _instances  # type: ignore[attr-defined]  # read by argcomplete


def add_hook(parser: ArgumentParser) -> None:
    """Add the optional name of a hook."""
    action = parser.add_argument("name", metavar="NAME", nargs="?", help="the hook's name")
    action.completer = _hooks  # type: ignore[attr-defined]  # read by argcomplete


def add_graph(parser: ArgumentParser) -> None:
    """Add ``--graph``, with the form of the diagram."""
    parser.add_argument(
        "--graph",
        metavar="FORM",
        nargs="?",
        const="text",
        choices=("text", "mermaid"),
        help="draw the route of a start instead, as text (the default) or mermaid",
    )


def add_file(parser: ArgumentParser) -> None:
    """Add the path of an instance file."""
    parser.add_argument("file", metavar="FILE", help="the instance file (TOML)")


def add_paused(parser: ArgumentParser) -> None:
    """Add ``--paused``."""
    parser.add_argument("--paused", action="store_true", help="freeze it before the first instruction of its init")


def add_timeout(parser: ArgumentParser, text: str) -> None:
    """Add ``--timeout``, a number of seconds."""
    from hvcore.cli.values import seconds

    parser.add_argument("--timeout", metavar="S", type=seconds, help=text)


def _instances(**known: Any) -> list[str]:
    from hvcore.cli.completers import complete_instances

    return complete_instances(**known)


def _hooks(**known: Any) -> list[str]:
    from hvcore.cli.completers import complete_hooks

    return complete_hooks(**known)
