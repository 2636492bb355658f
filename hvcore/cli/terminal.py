"""What a stream can show: colours, widths, and text that cannot steer a terminal."""

from __future__ import annotations

import os
from typing import TextIO

__all__ = ["clean", "is_terminal", "paint", "tolerate_any_text", "use_colour", "width"]

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a person looks at a stream."""
    return not stream.closed and stream.isatty()


def use_colour(stream: TextIO) -> bool:
    """Tell whether a stream may be coloured: on a terminal, unless NO_COLOR is set or the terminal knows none.

    Source: https://no-color.org (any value but an empty one counts).
    """
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str | None, enabled: bool) -> str:
    """Return a text in a colour, or as it is.

    Args:
        text: the text.
        colour: bold, dim, red, green, yellow or cyan; None leaves it.
        enabled: whether colours are wanted at all.
    """
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if enabled and colour else text


def clean(text: str) -> str:
    """Return a text whose control characters are shown, so that a guest's own words cannot steer the terminal.

    Newlines and tabs stay.
    """
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def width(text: str) -> int:
    """Return how many columns a text takes: two for a wide character, none for one that combines with its neighbour."""
    if text.isascii():
        return len(text)
    import unicodedata

    columns = 0
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
            continue
        columns += 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
    return columns


def tolerate_any_text(*streams: TextIO) -> None:
    """Let streams take text that their encoding does not know; it is shown escaped."""
    import io

    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _shown(character: str) -> str:
    if character in "\n\t" or character.isprintable() or character == "\u3000":
        return character
    return character.encode("unicode_escape").decode("ascii")
