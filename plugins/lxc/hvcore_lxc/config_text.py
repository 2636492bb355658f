"""A configuration as it was written: every line with its place, comments and blank lines among them.

Source: LXC 5.0, ``parse.c`` (lines end with LF or CR, the text with the first NUL) and ``confile.c``: parse_line.
"""

from __future__ import annotations

import enum
import re
from functools import cached_property

from attrs import define, field, frozen

from hvcore.errors import InvalidInput
from hvcore_lxc.document import ConfigDocument, ConfigEntry, unquoted

__all__ = ["ConfigLine", "ConfigText", "LineKind", "parse", "read_text"]

_BLANKS = " \t"
_EMPTY = re.compile(r"[ \t\f]*")
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|$)")


class LineKind(enum.StrEnum):
    """What LXC takes a line for."""

    ENTRY = "entry"
    COMMENT = "comment"
    BLANK = "blank"
    IGNORED = "ignored"
    """It begins with nothing that LXC knows, and is passed over without a word."""
    BROKEN = "broken"
    """A key without an equals sign: LXC refuses the whole file."""


@frozen
class ConfigLine:
    """One line.

    Attributes:
        number: its place, counted from 1.
        text: what stands there, without the line's end.
        ending: the characters that end it; "" at the end of the text.
        kind: what LXC takes it for.
        key: the key of an entry, or what stands in its place.
        value: the value that LXC reads.
        key_column: where the key begins, counted from 1.
        value_column: where the value begins, or would.
    """

    number: int
    text: str
    ending: str
    kind: LineKind
    key: str = ""
    value: str = ""
    key_column: int = 1
    value_column: int = 1


@define(frozen=True, slots=False)
class ConfigText:
    """A configuration, line by line.

    Attributes:
        lines: the lines in order; their texts and endings are the whole text.
    """

    lines: tuple[ConfigLine, ...] = field()

    @property
    def text(self) -> str:
        """The text, as it was read."""
        return "".join(line.text + line.ending for line in self.lines)

    @cached_property
    def entries(self) -> tuple[ConfigLine, ...]:
        """The lines that set something."""
        return tuple(line for line in self.lines if line.kind is LineKind.ENTRY)

    def document(self) -> ConfigDocument:
        """Return what LXC reads, without comments.

        Raises:
            InvalidInput: a line is no ``lxc.key = value``; with its line.
        """
        entries: list[ConfigEntry] = []
        for line in self.lines:
            try:
                if line.kind in {LineKind.IGNORED, LineKind.BROKEN}:
                    raise InvalidInput(
                        f"{line.text.strip()!r} is not of the form lxc.key = value",
                        key=line.key,
                        value=line.text,
                        allowed="lxc.key = value, or a comment that begins with #",
                    )
                if line.kind is LineKind.ENTRY:
                    entries.append(ConfigEntry(line.key, line.value))
            except InvalidInput as error:
                error.line = line.number
                raise
        return ConfigDocument(tuple(entries))


def parse(text: str) -> ConfigDocument:
    """Return the document that a configuration's text describes: the way back from ``render``.

    Raises:
        InvalidInput: a line is no ``lxc.key = value``; with its line.
    """
    return read_text(text).document()


def read_text(text: str) -> ConfigText:
    """Take a configuration apart; every text can be, and ``ConfigText.text`` gives it back."""
    # The last match is the empty one at the end of the text.
    found = [match for match in _LINE.finditer(text) if match[0]]
    return ConfigText(tuple(_line(number, match[1], match[2]) for number, match in enumerate(found, start=1)))


def _line(number: int, text: str, ending: str) -> ConfigLine:
    content = text.lstrip(_BLANKS)
    start = len(text) - len(content) + 1
    if _EMPTY.fullmatch(text):
        return ConfigLine(number, text, ending, LineKind.BLANK)
    if content.startswith("#"):
        return ConfigLine(number, text, ending, LineKind.COMMENT)
    name, equals, rest = content.partition("=")
    value_column = start + len(name) + len(equals) + len(rest) - len(rest.lstrip(_BLANKS))
    kind = LineKind.ENTRY if equals else LineKind.BROKEN
    if not content.startswith("lxc."):
        kind = LineKind.IGNORED
    return ConfigLine(number, text, ending, kind, name.rstrip(_BLANKS), unquoted(rest), start, value_column)
