"""Line numbers of the keys of a TOML file, which ``tomllib`` does not tell.

A TOML document is a row of expressions: ``[table]``, ``[[array]]`` and ``key = value``. Each is a document by itself,
so lines are collected until ``tomllib`` takes them; what it then returns says which key they define.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from hvcore.model.keys import dotted

__all__ = ["fault_line", "line_of", "locate_keys"]

# A value that spans lines can only end on a line with one of these.
_CLOSERS = ("]", "}", '"""', "'''")
# A value is parsed again for every line that may close it; this bounds the characters of all tries after the first.
_MAX_PARSED_AGAIN = 2 * 2**20
_MAX_DEPTH = 32


class _Expression(NamedTuple):
    """A complete expression, or with ``data`` None the first one that is not valid TOML."""

    line: int
    is_header: bool
    data: dict[str, Any] | None


def locate_keys(text: str) -> dict[str, int]:
    """Return the line on which each key is first mentioned.

    Args:
        text: a TOML document; what follows its first fault is not looked at.

    Returns:
        Dotted key, such as ``disks[1].path``, to line, counted from 1. A key inside an inline value is not listed when
        that value has several: ``line_of`` finds the line of the value instead.
    """
    lines: dict[str, int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    for expression in _expressions(text):
        names, rest = _chain(expression.data)
        if expression.is_header:
            path = table = _enter(names, isinstance(rest, list), counts)
        else:
            path = (*table, *names)
        for length in range(1, len(path) + 1):
            lines.setdefault(dotted(path[:length]), expression.line)
    return lines


def line_of(lines: dict[str, int], key: str) -> int | None:
    """Return the line of a dotted key, or of the innermost table or list around it that has one, or None."""
    while key and key not in lines:
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return lines.get(key)


def fault_line(text: str) -> int | None:
    """Return the line on which the first expression begins that is not valid TOML, or None."""
    for expression in _expressions(text):
        if expression.data is None:
            return expression.line
    return None


def _expressions(text: str) -> Iterator[_Expression]:
    # TOML ends lines with LF or CR LF alone; str.splitlines knows more.
    lines = text.replace("\r\n", "\n").split("\n")
    budget = _MAX_PARSED_AGAIN
    at = 0
    while at < len(lines):
        first, start = at, lines[at].strip(" \t")
        at += 1
        if not start or start.startswith("#"):
            continue
        data = _parse(start)
        while data is None and at < len(lines) and budget > 0:
            at += 1
            if any(closer in lines[at - 1] for closer in _CLOSERS):
                candidate = "\n".join(lines[first:at])
                budget -= len(candidate)
                data = _parse(candidate)
        yield _Expression(first + 1, start.startswith("["), data)
        if data is None:
            return


def _parse(text: str) -> dict[str, Any] | None:
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):  # TOMLDecodeError is a ValueError; a number of 5000 digits is a plain one
        return None


def _chain(data: object) -> tuple[list[str], object]:
    """Return the names that lead through tables of one key each, and what they lead to."""
    names: list[str] = []
    table = _as_table(data)
    while len(table) == 1 and len(names) < _MAX_DEPTH:
        [(name, data)] = table.items()
        names.append(name)
        table = _as_table(data)
    return names, data


def _as_table(data: object) -> dict[str, object]:
    return cast("dict[str, object]", data) if isinstance(data, dict) else {}


def _enter(names: list[str], is_array: bool, counts: dict[tuple[str | int, ...], int]) -> tuple[str | int, ...]:
    """Return the path of the table that a header opens; ``counts`` holds the last index of every array of tables."""
    path: tuple[str | int, ...] = ()
    for depth, name in enumerate(names, start=1):
        path = (*path, name)
        if is_array and depth == len(names):
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path
