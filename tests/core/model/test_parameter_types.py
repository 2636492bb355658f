from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import InvalidInput, InvalidParameter
from hvcore.model.parameter_types import ParameterType, coerce_value, fits, freeze_value, is_unset

BOOL, INT, FLOAT, STRING, LIST = ParameterType
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(), st.lists, max_leaves=5
)


@pytest.mark.parametrize("value", [None, ""])
def test_unset(value):
    assert is_unset(value)


@pytest.mark.parametrize("value", [0, 0.0, False, (), [], " ", "0"])
def test_zero_false_and_empty_lists_are_values(value):
    assert not is_unset(value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (BOOL, True, True),
        (BOOL, "true", True),
        (BOOL, "False", False),
        (BOOL, "", None),
        (INT, 3, 3),
        (INT, "3", 3),
        (INT, "-3", -3),
        (INT, "007", 7),
        (INT, "", None),
        (INT, None, None),
        (FLOAT, 1.5, 1.5),
        (FLOAT, 2, 2.0),
        (FLOAT, "2", 2.0),
        (FLOAT, "-2.5e3", -2500.0),
        (FLOAT, "", None),
        (STRING, "x", "x"),
        (STRING, "", ""),
        (STRING, "true", "true"),
        (LIST, ["a", "b,c"], ("a", "b,c")),
        (LIST, ("a",), ("a",)),
        (LIST, "a, b,,c ", ("a", "b", "c")),
        (LIST, "", ()),
        (LIST, [], ()),
        (LIST, None, None),
    ],
)
def test_coerced(kind, value, expected):
    got = coerce_value(kind, value, "x")
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (BOOL, 0),
        (BOOL, 1),
        (BOOL, "yes"),
        (BOOL, "1"),
        (INT, True),
        (INT, False),
        (INT, 3.0),
        (INT, "3.0"),
        (INT, "+3"),
        (INT, "1_0"),
        (INT, "0x1"),
        (INT, " 3"),
        (INT, "3\n"),
        (INT, "\u0661"),
        (INT, "\u00b2"),
        (INT, "9" * 5000),
        (INT, 2**63),
        pytest.param(INT, 10**5000, id="a number that cannot be printed"),
        (INT, [3]),
        (FLOAT, True),
        (FLOAT, "nan"),
        (FLOAT, "inf"),
        (FLOAT, "1e999"),
        (FLOAT, math.nan),
        (FLOAT, math.inf),
        (FLOAT, 10**400),
        (FLOAT, "1_0.0"),
        (FLOAT, "\u0661.5"),
        (STRING, 5),
        (STRING, False),
        (STRING, ["a"]),
        (STRING, "a\nb"),
        (STRING, b"a"),
        (LIST, 5),
        (LIST, ["a", 5]),
        (LIST, ["a", ""]),
        (LIST, ["a\n"]),
        (LIST, "a\nb,c"),
        (LIST, {"a": 1}),
    ],
)
def test_refused(kind, value):
    with pytest.raises(InvalidParameter) as caught:
        coerce_value(kind, value, "x")
    error = caught.value
    assert error.key == "x"
    assert error.allowed == kind.allowed
    assert error.message.startswith(f"Parameter 'x' must be {kind.allowed} (current value: ")
    assert "\n" not in str(error)
    assert json.dumps({**error.to_dict(), "value": repr(error.value)})


@given(st.sampled_from(ParameterType), ANYTHING)
def test_anything_is_typed_or_refused(kind, value):
    try:
        got = coerce_value(kind, value, "x")
    except InvalidParameter:
        return
    assert is_unset(got) or fits(kind, got)
    assert coerce_value(kind, got, "x") == got


@given(ANYTHING)
def test_what_is_kept_is_immutable_and_has_no_line_ends(value):
    try:
        kept = freeze_value(value, "parameters.x")
    except InvalidInput:
        return
    assert kept is None or isinstance(kept, (bool, int, float, str, tuple))
    for text in kept if isinstance(kept, tuple) else (kept,):
        assert not isinstance(text, str) or len(text.splitlines()) <= 1
