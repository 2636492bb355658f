"""The kinds of values that LXC's keys take.

These are stricter than LXC where LXC reads something else than what is written: ``010`` is eight to it, ``12M`` is twelve.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hvcore_lxc.keys.model import Grammar

__all__ = [
    "ABSOLUTE",
    "BOOLEAN",
    "MODE_OF_NET",
    "NUMBER",
    "PATH",
    "SIGNAL",
    "SIGNED",
    "TEXT",
    "count",
    "each_of",
    "matching",
    "one_of",
]

_NUMBER = re.compile("0|[1-9][0-9]*")
_MOST = 2**32 - 1


def one_of(*words: str, or_else: Callable[[str], bool] | None = None, allowed: str = "") -> Grammar:
    """Return the grammar of one word out of a few.

    Args:
        words: the words.
        or_else: what else is accepted.
        allowed: how to say all of it; "" lists the words.
    """
    known = frozenset(words)
    said = allowed or " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
    return Grammar(said, lambda value: value in known or (or_else is not None and or_else(value)), words)


def each_of(
    *words: str, allowed: str, split: str | None = None, or_else: Callable[[str], bool] | None = None
) -> Grammar:
    """Return the grammar of a list of words, separated by blanks or by another text."""
    known = frozenset(words)

    def accepts(value: str) -> bool:
        parts = value.split(split)
        return bool(parts) and all(part in known or (or_else is not None and or_else(part)) for part in parts)

    return Grammar(allowed, accepts, words)


def count(lowest: int = 0, highest: int = _MOST, allowed: str = "") -> Grammar:
    """Return the grammar of a whole number in decimal digits, without leading zeros, which would make it octal."""

    def accepts(value: str) -> bool:
        return _NUMBER.fullmatch(value) is not None and len(value) <= 20 and lowest <= int(value) <= highest

    return Grammar(allowed or f"a whole number from {lowest} to {highest}", accepts)


def matching(pattern: str, allowed: str) -> Grammar:
    """Return the grammar of what a regular expression matches."""
    compiled = re.compile(pattern)
    return Grammar(allowed, lambda value: compiled.fullmatch(value) is not None)


def _is_signal(value: str) -> bool:
    from hvcore_lxc.init import signal_number

    try:
        return signal_number(value) > 0
    except ValueError:
        return False


TEXT = Grammar("any text", bool)
PATH = Grammar("a path", bool)
ABSOLUTE = matching(r"/.*", "an absolute path")
BOOLEAN = one_of("0", "1")
NUMBER = count()
SIGNED = matching(r"0|-?[1-9][0-9]{0,9}", "a whole number")
SIGNAL = Grammar("a signal such as SIGPWR, SIGRTMIN+3 or 15", _is_signal)
MODE_OF_NET = ("empty", "none", "veth", "vlan", "macvlan", "ipvlan", "phys")
