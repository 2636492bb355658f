"""A container's configuration as a value, and its text.

Source: lxc.container.conf(5), and the parser of LXC 5.0 (``parse.c``, ``confile.c``): one ``key = value`` per line, blanks
around both are dropped, a line that starts with ``#`` is a comment, and quotes around a whole value are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import evolve, field, frozen

from hvcore.errors import InvalidInput
from hvcore.model.names import refuse_control_characters

__all__ = ["ConfigDocument", "ConfigEntry", "render", "unquoted"]

_KEY = re.compile(r"lxc\.[a-z0-9]+(?:[._-][A-Za-z0-9_.*-]+)?")
_QUOTES = "'\""
_BLANKS = " \t"


@frozen
class ConfigEntry:
    """One line of a configuration.

    Args:
        key: an LXC key, such as ``lxc.uts.name``.
        value: its value; without control characters, so that it stays one line.

    Raises:
        InvalidInput: key or value cannot stand on one line.
    """

    key: str = field()
    value: str = field(converter=str)

    def __attrs_post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise InvalidInput(
                f"{self.key!r} is no LXC key", key=self.key, value=self.value, allowed="a key such as lxc.uts.name"
            )
        refuse_control_characters(self.value, self.key)


@frozen
class ConfigDocument:
    """A configuration: entries in the order in which LXC reads them.

    Attributes:
        entries: the entries; keys that may be repeated occur more than once.
    """

    entries: tuple[ConfigEntry, ...] = ()

    def append(self, *entries: ConfigEntry) -> ConfigDocument:
        """Return the document with entries added at its end."""
        return evolve(self, entries=self.entries + entries)

    def replace(self, key: str, *values: str) -> ConfigDocument:
        """Return the document with a key's entries replaced, in the place of the first; at the end when it is new."""
        fresh = tuple(ConfigEntry(key, value) for value in values)
        places = [index for index, entry in enumerate(self.entries) if entry.key == key]
        at = places[0] if places else len(self.entries)
        rest_before = self.entries[:at]
        rest_after = tuple(entry for entry in self.entries[at:] if entry.key != key)
        return evolve(self, entries=rest_before + fresh + rest_after)

    def without(self, key: str) -> ConfigDocument:
        """Return the document without a key."""
        return evolve(self, entries=tuple(entry for entry in self.entries if entry.key != key))

    def values(self, key: str) -> tuple[str, ...]:
        """Return the values of a key, in order."""
        return tuple(entry.value for entry in self.entries if entry.key == key)


def render(document: ConfigDocument, comments: Iterable[str] = ()) -> str:
    """Return the text that LXC reads.

    Args:
        document: the configuration.
        comments: lines to stand at the top, without ``#``.

    Raises:
        InvalidInput: a comment holds a control character.
    """
    lines = [f"# {refuse_control_characters(comment, 'comment')}" for comment in comments]
    lines += [f"{entry.key} = {_quoted(entry.value)}".rstrip(_BLANKS) for entry in document.entries]
    return "".join(f"{line}\n" for line in lines)


def unquoted(text: str) -> str:
    """Return the value that LXC reads from what a line has after its equals sign."""
    value = text.strip(_BLANKS)
    return value[1:-1] if _is_wrapped(value) else value


def _quoted(value: str) -> str:
    """Protect what LXC would strip: blanks at the ends, and a pair of quotes around the whole."""
    return f'"{value}"' if value != value.strip(_BLANKS) or _is_wrapped(value) else value


def _is_wrapped(value: str) -> bool:
    return len(value) > 1 and value[0] in _QUOTES and value[-1] == value[0]
