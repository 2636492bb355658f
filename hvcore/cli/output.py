"""What goes to the standard streams: JSON for programs, words for people."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hvcore.cli.terminal import clean, paint, use_colour

if TYPE_CHECKING:
    from hvcore.errors import HypervisorError

__all__ = ["print_error", "print_json", "say", "warn"]


def print_json(value: object) -> None:
    """Write a value as one JSON document, in ASCII so that every program can read it."""
    import json

    print(json.dumps(value, indent=2))


def say(text: str) -> None:
    """Write words for a person to stdout."""
    print(clean(text))


def warn(text: str) -> None:
    """Write a warning to stderr; stdout holds only what was asked for."""
    mark = paint("warning:", "yellow", use_colour(sys.stderr))
    print(f"hv: {mark} {clean(text)}", file=sys.stderr)


def print_error(error: HypervisorError, as_json: bool) -> None:
    """Explain an error: in lines on stderr, or as one JSON object on stdout."""
    if as_json:
        print_json({"error": error.to_dict()})
    else:
        print(f"{paint('hv:', 'red', use_colour(sys.stderr))} {clean(error.explain())}", file=sys.stderr)
