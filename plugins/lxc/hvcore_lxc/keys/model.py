"""What is known of one key of LXC's configuration."""

from __future__ import annotations

import enum
from collections.abc import Callable

from attrs import frozen

__all__ = ["ANY_SUBKEY", "NET_INDEX", "Grammar", "Key", "Repeat", "Version"]

Version = tuple[int, ...]

ANY_SUBKEY = "*"
"""Stands for the part of a key that the user chooses."""

NET_INDEX = "N"
"""Stands for the number of a network interface."""


class Repeat(enum.StrEnum):
    """What a second line with the same key does."""

    REPLACES = "the last counts"
    ADDS = "each adds"


@frozen
class Grammar:
    """What a value may look like.

    Attributes:
        allowed: a phrase that says so, as in "must be ...".
        accepts: whether it takes a value that is not empty.
        words: the words that a value consists of, where they are few; a misspelt one is compared with them.
    """

    allowed: str
    accepts: Callable[[str], bool]
    words: tuple[str, ...] = ()


@frozen
class Key:
    """One key, or a family of keys that differ in one part.

    Attributes:
        name: the key; ``*`` stands for a part that the user chooses, ``N`` for the number of an interface.
        summary: what it sets, in one line.
        grammar: what its value may look like.
        repeat: what a second line with the same key does.
        since: the first LXC that knows it, not counting those before 2.1.
        removed: the first LXC that does not know it any more; None when there is none.
        example: a value.
        only_clears: it never takes a value, and clears a whole group of keys.
        subkeys: the words that may stand for ``*``; empty when those are not LXC's to say.
    """

    name: str
    summary: str
    grammar: Grammar
    example: str
    repeat: Repeat = Repeat.REPLACES
    since: Version = (2, 1)
    removed: Version | None = None
    only_clears: bool = False
    subkeys: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What every key of a family begins with; the whole key when it is no family."""
        return self.name.removesuffix(ANY_SUBKEY)

    @property
    def is_family(self) -> bool:
        """Whether a part of it is the user's to choose."""
        return self.name.endswith(ANY_SUBKEY)

    def is_known_to(self, version: Version) -> bool:
        """Tell whether an LXC knows it."""
        return self.since <= version and (self.removed is None or version < self.removed)
