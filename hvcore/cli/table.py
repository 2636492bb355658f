"""Aligned columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hvcore.cli.terminal import clean, paint, width

__all__ = ["Cell", "Row", "render_pairs", "render_table"]

_GAP = "  "


class Cell(NamedTuple):
    """A cell that is more than plain text.

    Attributes:
        text: what it says.
        colour: its colour, or None.
        right: whether it is aligned to the right, as numbers are.
    """

    text: str
    colour: str | None = None
    right: bool = False


Row = Sequence[str | Cell]


def render_table(header: Row, rows: Iterable[Row], colour: bool) -> str:
    """Return a table with a header; columns are as wide as their widest cell, and nothing trails a line.

    Args:
        header: the columns' names.
        rows: the cells, as many per row as the header has.
        colour: whether the output may be coloured.
    """
    table = [[_cell(item) for item in row] for row in rows]
    heads = [Cell(*_cell(item)[:1], "bold", _is_right(table, index)) for index, item in enumerate(header)]
    widths = [max(width(row[index].text) for row in (heads, *table)) for index in range(len(heads))]
    return "\n".join(_line(row, widths, colour) for row in (heads, *table))


def render_pairs(pairs: Iterable[tuple[str, str | Cell]], colour: bool) -> str:
    """Return lines of a name and a value."""
    table = [(_cell(name), _cell(value)) for name, value in pairs]
    widest = max((width(name.text) for name, _ in table), default=0)
    return "\n".join(_line([Cell(name.text, "bold"), value], [widest, 0], colour) for name, value in table)


def _cell(item: str | Cell) -> Cell:
    cell = item if isinstance(item, Cell) else Cell(item)
    return cell._replace(text=clean(cell.text).replace("\n", " "))


def _is_right(table: list[list[Cell]], index: int) -> bool:
    return bool(table) and all(row[index].right for row in table)


def _line(row: Sequence[Cell], widths: Sequence[int], colour: bool) -> str:
    parts: list[str] = []
    for index, (cell, columns) in enumerate(zip(row, widths, strict=True)):
        padding = " " * (columns - width(cell.text))
        painted = paint(cell.text, cell.colour, colour)
        if cell.right:
            parts.append(padding + painted)
        else:
            parts.append(painted + (padding if index < len(row) - 1 else ""))
    return _GAP.join(parts).rstrip()
