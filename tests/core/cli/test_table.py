"""Aligned columns, also with letters that are wider or narrower than others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hvcore.cli.table import Cell, render_pairs, render_table
from hvcore.cli.terminal import width


def test_columns_are_aligned_and_nothing_trails() -> None:
    rows = [("web1", Cell("running", "green"), Cell("64", right=True)), ("a", "x", Cell("1024", right=True))]
    assert render_table(("NAME", "STATE", "MIB"), rows, colour=False).split("\n") == [
        "NAME  STATE     MIB",
        "web1  running    64",
        "a     x        1024",
    ]


def test_colours_do_not_move_columns() -> None:
    rows = [(Cell("a", "green"), "x"), (Cell("bbb", "red"), "y")]
    plain = render_table(("H", "X"), rows, colour=False)
    coloured = render_table(("H", "X"), rows, colour=True)
    assert "\x1b[32ma\x1b[0m    x" in coloured
    for code in ("1", "32", "31", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain


def test_wide_letters_take_two_columns() -> None:
    lines = render_table(("NAME", "X"), [("\u4ed6\u5979", "1"), ("e\u0301te", "2")], colour=False).split("\n")
    assert [width(line[: line.index(mark)]) for line, mark in zip(lines, "X12", strict=True)] == [6, 6, 6]


def test_a_cell_stays_on_its_line() -> None:
    assert render_table(("A",), [("x\ny\x1b",)], colour=False) == "A\nx y\\x1b"


def test_a_table_without_rows_is_its_header() -> None:
    assert render_table(("A", "B"), [], colour=False) == "A  B"


def test_pairs() -> None:
    assert render_pairs([("name", "web1"), ("cpu time", Cell("1 s"))], colour=False) == "name      web1\ncpu time  1 s"


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=5))
def test_the_second_column_begins_in_one_place(rows: list[tuple[str, str]]) -> None:
    marked = [(first, f"#{second}") for first, second in rows]
    lines = render_table(("A", "#B"), [(first.replace("#", ""), second) for first, second in marked], False).split("\n")
    assert len(lines) == len(rows) + 1
    assert len({width(line[: line.index("#")]) for line in lines}) == 1
