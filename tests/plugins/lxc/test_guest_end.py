"""How a guest has ended, from LXC's log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.model.event import EventReason, GuestEnd
from hvcore_lxc.guest_end import end_in_log

LINE = "lxc-start web1 20260102030405.123 INFO     error - ../src/lxc/error.c:lxc_error_set_and_log:{} - Child <{}> ended on {}\n"


@pytest.mark.parametrize(
    ("words", "end"),
    [
        ("signal Killed(9)", GuestEnd(EventReason.SIGNAL, 9)),
        ("signal Segmentation fault(11)", GuestEnd(EventReason.SIGNAL, 11)),
        ("error (3)", GuestEnd(EventReason.EXIT_STATUS, 3)),
        ("signal Interrupt(2)", GuestEnd(EventReason.CLEAN)),
        ("signal Hangup(1)", GuestEnd(EventReason.CLEAN)),
    ],
)
def test_each_end(words: str, end: GuestEnd) -> None:
    assert end_in_log(LINE.format(34, 4711, words)) == (4711, end)


def test_the_last_one_counts() -> None:
    text = LINE.format(31, 1, "error (1)") + "something else\n" + LINE.format(34, 2, "signal Killed(9)")
    assert end_in_log(text) == (2, GuestEnd(EventReason.SIGNAL, 9))


@given(st.text())
def test_a_log_without_an_end_has_none(text: str) -> None:
    assert end_in_log(text) is None or "ended on" in text
