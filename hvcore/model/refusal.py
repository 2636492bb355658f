"""The one way in which a value refuses what it is given: key, value, what is allowed, what to do."""

from __future__ import annotations

from collections.abc import Iterable

from hvcore.errors import InvalidInput

__all__ = ["closest", "missing", "nested", "printable", "refused", "shown", "unknown_key"]

_LONGEST_SHOWN = 80


def shown(value: object) -> str:
    """Return a value as one short, printable line for a message.

    Args:
        value: anything that a user may have written.

    Returns:
        Its ``repr``, which escapes every control character, cut to 80 characters.
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # Python refuses to print an integer of more than 4300 digits, and a table that is nested too deep.
        return f"<{type(value).__name__} too large to show>"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that a misspelt word most likely means, or None."""
    import difflib

    # A long word is nobody's slip of the finger, and comparing it is slow.
    found = difflib.get_close_matches(word[:_LONGEST_SHOWN], list(known), n=1)
    return found[0] if found else None


def refused(key: str, value: object, allowed: str, *, why: str = "", resolution: str | None = None) -> InvalidInput:
    """Return the error for a value that cannot be accepted.

    Args:
        key: the dotted key that the value was given for; the message starts with it.
        value: the value as given.
        allowed: what would be accepted, as a phrase that can follow "set KEY to".
        why: the rule that the value breaks, where ``allowed`` does not say it.
        resolution: what to do; the default repeats what is allowed.
    """
    return InvalidInput(
        f"{_cut(key)} cannot be {shown(value)}{f': {why}' if why else ''}",
        key=key,
        value=printable(value),
        allowed=allowed,
        resolution=resolution or _advice(key, allowed),
    )


def missing(key: str, allowed: str) -> InvalidInput:
    """Return the error for a key that must be given and is not."""
    return InvalidInput(f"{key} is missing", key=key, allowed=allowed, resolution=_advice(key, allowed))


def unknown_key(key: str, name: str, value: object, known: Iterable[str]) -> InvalidInput:
    """Return the error for a key that nothing knows.

    Args:
        key: the dotted key.
        name: its last part.
        value: the value that stands there.
        known: the names that are known in its place.
    """
    names = list(known)
    guess = closest(name, names)
    return InvalidInput(
        f"unknown key {_cut(key)}",
        key=key,
        value=printable(value),
        allowed=", ".join(names),
        resolution=f"did you mean {guess}?" if guess else f"remove {_cut(key)}",
    )


def nested(error: InvalidInput, prefix: str) -> InvalidInput:
    """Return the error of a part as an error of the whole.

    Args:
        error: what ``refused`` or ``missing`` made for the part.
        prefix: the dotted key of the part, such as ``disks[1]``.
    """
    key = f"{prefix}.{error.key}"
    generic = error.key is not None and error.resolution == _advice(error.key, error.allowed or "")
    return InvalidInput(
        f"{prefix}.{error.message}",
        key=key,
        value=error.value,
        allowed=error.allowed,
        resolution=_advice(key, error.allowed or "") if generic else error.resolution,
    )


def _advice(key: str, allowed: str) -> str:
    return f"set {_cut(key)} to {allowed}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def printable(value: object) -> object:
    """Return the value itself, or a text in its place when Python would refuse to print it."""
    try:
        repr(value)
    except (ValueError, RecursionError):
        return shown(value)
    return value
