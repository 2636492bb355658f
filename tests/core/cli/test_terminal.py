"""What a stream can show."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.cli.terminal import clean, paint, tolerate_any_text, use_colour, width


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colour_on_a_terminal(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: bool) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert use_colour(Terminal()) is expected
    assert use_colour(io.StringIO()) is False


def test_a_closed_stream_is_no_terminal() -> None:
    stream = Terminal()
    stream.close()
    assert use_colour(stream) is False


def test_paint() -> None:
    assert paint("x", "red", enabled=True) == "\x1b[31mx\x1b[0m"
    assert paint("x", "red", enabled=False) == "x"
    assert paint("x", None, enabled=True) == "x"


@given(st.text())
def test_clean_text_cannot_steer_a_terminal(text: str) -> None:
    shown = clean(text)
    assert all(character.isprintable() or character in "\n\t\u3000" for character in shown)
    assert clean(shown) == shown


def test_clean_shows_what_it_found() -> None:
    assert clean("a\x1b[2J\tb\nc\u2028\u009b") == "a\\x1b[2J\tb\nc\\u2028\\x9b"


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("abc", 3), ("\u00e4", 1), ("\u4ed6", 2), ("e\u0301", 1), ("\u200d", 0)]
)
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns


def test_any_text_can_be_written_afterwards() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    tolerate_any_text(stream, io.StringIO())
    stream.write("\u00e4\udc80")
    stream.flush()
    assert raw.getvalue() == b"\\xe4\\udc80"
