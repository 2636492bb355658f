"""The live line: on a terminal, after half a second, and gone at the end."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest

from hvcore.cli.progress import Progress


class Terminal(io.StringIO):
    """A terminal that can be waited on."""

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__()
        self.written = threading.Event()
        self._broken = broken

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written.set()
        if self._broken:
            raise OSError(5, "Input/output error")
        return super().write(text)


def test_the_line_says_what_is_being_done_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    progress = Progress("starting web1", patience_s=0)
    progress.note("mount", "begin")
    with progress:
        assert terminal.written.wait(30)
        progress.note("boot\x1b", "undo")
        for _ in range(2):  # the first may have been under way
            terminal.written.clear()
            assert terminal.written.wait(30)
    text = terminal.getvalue()
    assert "\r\x1b[K| starting web1: mount 0." in text
    assert "starting web1: undoing boot\\x1b " in text
    assert text.endswith("\r\x1b[K")


def test_nothing_is_shown_of_what_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress("starting web1", patience_s=3600):
        pass
    assert terminal.getvalue() == ""


def test_nothing_is_shown_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    with Progress("starting web1", patience_s=0) as progress:
        assert progress.elapsed_s >= 0
    assert stream.getvalue() == ""


def test_a_terminal_that_goes_away_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(broken=True)
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress("starting web1", patience_s=0):
        assert terminal.written.wait(30)


def test_a_long_line_is_cut_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress("x" * 100, patience_s=0):
        assert terminal.written.wait(30)
    first = terminal.getvalue().split("\r\x1b[K")[1]
    assert first == "| " + "x" * 17


def test_a_slow_start_shows_its_step_on_a_terminal(on_terminal: Any, instance_file: Any, hv: Any) -> None:
    seen = on_terminal("start", instance_file(parameters="start_delay_s = 1.5")).out
    assert "| starting web1: boot 0." in seen
    assert "\r\x1b[Kweb1: start done on fake" in seen


def test_a_slow_start_is_silent_elsewhere(run_hv: Any, instance_file: Any, hv: Any) -> None:
    outcome = run_hv("start", instance_file(parameters="start_delay_s = 0.6"))
    assert (outcome.status, outcome.err) == (0, "")
