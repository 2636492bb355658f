from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import InvalidInput
from hvcore.model.cpu_mask import MAX_CPU_NUMBER, format_cpu_mask, parse_cpu_mask, parse_multi_cpu_mask

NUMBERS = st.integers(0, MAX_CPU_NUMBER)
RANGES = st.builds(lambda low, size: (low, min(low + size, MAX_CPU_NUMBER)), NUMBERS, st.integers(0, 50))
MASK_LIKE = st.text(alphabet="0123456789-,: al+_x\u0661\n", max_size=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (None, ()),
        ("0", (0,)),
        ("0-2,5", (0, 1, 2, 5)),
        ("5,0-2", (5, 0, 1, 2)),
        ("1,1", (1, 1)),
        ("0-3,2-5", (0, 1, 2, 3, 2, 3, 4, 5)),
        (" 1 , 2 ", (1, 2)),
        ("1 - 3", (1, 2, 3)),
        ("00", (0,)),
        ("0" * 5000, (0,)),
        ("0" * 5000 + "7", (7,)),
        ("3-3", (3,)),
        ("8191", (8191,)),
        ("0-8191", tuple(range(8192))),
    ],
)
def test_single_masks(text, expected):
    assert parse_cpu_mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "3-1",
        "1-2-3",
        "-1",
        "1-",
        "-",
        "1,,2",
        ",",
        "0,",
        "all",
        "0x1",
        "1.0",
        "1;2",
        "1:2",
        " ",
        "1 2",
        "+1",
        "1_0",
        "\u0661",
        "\u00b2",
        "0-2\n",
        "0\t",
        "0\u2028",
        "8192",
        "0-8192",
        "0-100000000",
        "9" * 5000,
        "1-" + "9" * 5000,
        "0-8191,0",
        5,
        ["1"],
        b"1",
        True,
    ],
)
def test_refused_single_masks(text):
    with pytest.raises(InvalidInput) as caught:
        parse_cpu_mask(text)
    assert caught.value.key == "cpu_mask"
    assert caught.value.value == text
    assert caught.value.allowed
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "item"),
    [("0-2,3-1", "'3-1' runs backwards"), ("0,x", "'x' is neither"), ("1,9999", "'9999' is above 8191")],
)
def test_the_error_names_the_offending_item(text, item):
    with pytest.raises(InvalidInput, match=item):
        parse_cpu_mask(text)


def test_the_key_of_the_error_can_be_given():
    with pytest.raises(InvalidInput) as caught:
        parse_cpu_mask("x", key="parameters.cpu_mask")
    assert caught.value.key == "parameters.cpu_mask"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (None, ()),
        ("all", ((-1,),)),
        ("0-2,1", ((0, 1, 2),)),
        ("3,1:all:0", ((1, 3), (-1,), (0,))),
        ("1:", ((1,), ())),
        ("::", ((), (), ())),
        (":", ((), ())),
    ],
)
def test_multi_masks(text, expected):
    assert parse_multi_cpu_mask(text) == expected


@pytest.mark.parametrize(
    "text", ["ALL", " all", "all,1", "1:x", "1:2-1", "+1", "1_0", "1:2\n", ":" * 8192, 5, ["all"], "1: :2"]
)
def test_refused_multi_masks(text):
    with pytest.raises(InvalidInput) as caught:
        parse_multi_cpu_mask(text)
    assert caught.value.key == "cpu_mask"
    assert caught.value.allowed.startswith('"all"')


def test_a_multi_mask_cannot_fill_the_memory():
    same = ":".join(["0-8191"] * 8192)
    masks = parse_multi_cpu_mask(same)
    assert len(masks) == 8192
    assert len({id(mask) for mask in masks}) == 1
    different = ":".join("0" * zeros + "-8191" for zeros in range(1, 1000))
    with pytest.raises(InvalidInput, match="more than 1048576 CPUs"):
        parse_multi_cpu_mask(different)


@given(st.lists(NUMBERS | RANGES, min_size=1, max_size=40))
def test_order_and_duplicates_are_kept(items):
    text = ",".join(str(item) if isinstance(item, int) else f"{item[0]}-{item[1]}" for item in items)
    expected = []
    for item in items:
        expected.extend([item] if isinstance(item, int) else range(item[0], item[1] + 1))
    assert parse_cpu_mask(text) == tuple(expected)


@given(st.text() | MASK_LIKE)
def test_any_text_is_a_mask_or_refused(text):
    try:
        cpus = parse_cpu_mask(text)
    except InvalidInput:
        return
    assert all(0 <= cpu <= MAX_CPU_NUMBER for cpu in cpus)
    assert set(text) <= set("0123456789-, ")


@given(st.text() | MASK_LIKE)
def test_any_text_is_a_multi_mask_or_refused(text):
    try:
        masks = parse_multi_cpu_mask(text)
    except InvalidInput:
        return
    assert set(text) <= set("0123456789-, :al")
    assert all(mask == (-1,) or mask == tuple(sorted(set(mask))) for mask in masks)
    assert all(cpu >= 0 for mask in masks if mask != (-1,) for cpu in mask)


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [((), ""), ((0,), "0"), ((0, 1), "0-1"), ((5, 2, 0, 1), "0-2,5"), ((1, 1), "1"), ({7, 9}, "7,9")],
)
def test_format(cpus, expected):
    assert format_cpu_mask(cpus) == expected


@given(st.lists(st.integers(0, 60) | NUMBERS, max_size=60))
def test_format_is_the_inverse_of_parse(cpus):
    text = format_cpu_mask(cpus)
    assert parse_cpu_mask(text) == tuple(sorted(set(cpus)))
    assert format_cpu_mask(parse_cpu_mask(text)) == text


@pytest.mark.parametrize("cpu", [-1, 8192])
def test_format_refuses_what_is_no_cpu(cpu):
    with pytest.raises(InvalidInput):
        format_cpu_mask([cpu])
