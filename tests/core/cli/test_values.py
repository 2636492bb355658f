"""Numbers, times and variables as words."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.cli.values import seconds, variable, whole_number


@pytest.mark.parametrize("text", ["", "+1", "-1", "1_0", "1.0", " 1", "1\n", "\u0661", "0x10", "9" * 11])
def test_whole_number_takes_ascii_digits_alone(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="not a whole number"):
        whole_number(text)


@pytest.mark.parametrize("text", ["", "-1", "nan", "inf", "1e3", "1_0", ".5", "5.", "\u0661", "1.5\n"])
def test_seconds_refuses_what_nobody_means(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="number of seconds"):
        seconds(text)


@pytest.mark.parametrize("text", ["", "A", "=1"])
def test_variable_needs_a_name_and_a_value(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="NAME=VALUE"):
        variable(text)


@given(st.integers(0, 10**10 - 1))
def test_whole_numbers_survive(number: int) -> None:
    assert whole_number(str(number)) == number


@given(st.decimals(0, 10**6, places=3))
def test_seconds_survive(number: object) -> None:
    assert seconds(f"{number:f}") == pytest.approx(float(str(number)))


@given(st.text(st.characters(exclude_characters="="), min_size=1), st.text())
def test_variables_survive(name: str, value: str) -> None:
    assert variable(f"{name}={value}") == (name, value)
