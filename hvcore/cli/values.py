"""The values that words of the command line stand for.

``int`` and ``float`` take more than a person would write by intent: signs, underscores, digits of other scripts, "nan".
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError

__all__ = ["seconds", "variable", "whole_number"]

_WHOLE = re.compile("[0-9]{1,10}")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def whole_number(text: str) -> int:
    """Return the number that ASCII digits stand for."""
    if not _WHOLE.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def seconds(text: str) -> float:
    """Return a time in seconds, 0 or more."""
    if not _SECONDS.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} is not a number of seconds, such as 30 or 0.5")
    return float(text)


def variable(text: str) -> tuple[str, str]:
    """Return the name and the value of ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value
