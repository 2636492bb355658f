from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import InvalidInput
from hvcore.model.names import check_hypervisor_name, check_instance_name, refuse_control_characters

LABEL_ENDS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
LABELS = st.builds(
    lambda first, middle, last: first + middle + last,
    st.sampled_from(LABEL_ENDS),
    st.text(LABEL_ENDS + "-", max_size=61),
    st.sampled_from(LABEL_ENDS),
) | st.sampled_from(LABEL_ENDS)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join).filter(lambda name: len(name) <= 200)


@given(NAMES)
def test_every_name_of_valid_labels_is_taken(name):
    assert check_instance_name(name) == name


@given(st.text(alphabet=st.characters() | st.sampled_from("aZ0-./\n"), max_size=210))
def test_any_text_is_a_safe_name_or_refused(text):
    try:
        name = check_instance_name(text)
    except InvalidInput as error:
        refusal = error
    else:
        assert_safe(name)
        assert name == text
        return
    assert refusal.key == "name"
    assert refusal.value == text
    assert refusal.allowed


def assert_safe(name):
    assert name.isascii()
    assert 1 <= len(name) <= 200
    for label in name.split("."):
        assert 1 <= len(label) <= 63
        assert label.replace("-", "").isalnum()
        assert not label.startswith("-")
        assert not label.endswith("-")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a..b",
        "a.",
        ".a",
        "-a",
        "a-",
        "a.-b",
        "a/b",
        "../a",
        "a_b",
        "a b",
        "a\n",
        "a\0",
        "é",
        "\u0661",
        "a" * 64,
        ".".join(["a" * 49] * 4) + ".b",
        None,
        5,
        b"web1",
        ["web1"],
    ],
)
def test_refused_instance_names(name):
    with pytest.raises(InvalidInput) as caught:
        check_instance_name(name)
    assert caught.value.key == "name"
    assert caught.value.allowed
    assert caught.value.resolution


@pytest.mark.parametrize("name", ["a", "WEB1", "web1.example.org", "1", "a--b", "a" * 63, ".".join(["a" * 49] * 4)])
def test_accepted_instance_names(name):
    assert check_instance_name(name) == name


def test_the_key_of_the_error_can_be_given():
    with pytest.raises(InvalidInput) as caught:
        check_instance_name("a b", key="instance")
    assert caught.value.key == "instance"


@pytest.mark.parametrize("name", ["lxc", "xen-pvm", "a1", "a" * 63])
def test_accepted_hypervisor_names(name):
    assert check_hypervisor_name(name) == name


@pytest.mark.parametrize("name", ["", "LXC", "1xc", "-a", "a_b", "a.b", "a/b", "lxc\n", "a" * 64, None, 3, "é"])
def test_refused_hypervisor_names(name):
    with pytest.raises(InvalidInput) as caught:
        check_hypervisor_name(name)
    assert caught.value.key == "hypervisor"


def test_exactly_the_characters_that_may_add_a_line_are_refused():
    refused = set()
    for number in range(sys.maxunicode + 1):
        try:
            refuse_control_characters(chr(number), "link")
        except InvalidInput:
            refused.add(chr(number))
    expected = {chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) in {"Cc", "Cs"}}
    assert refused == expected | {"\u2028", "\u2029"}


@given(st.text())
def test_what_passes_is_a_single_line(text):
    try:
        passed = refuse_control_characters(text, "link")
    except InvalidInput:
        return
    assert passed == text
    assert len(passed.splitlines()) <= 1


def test_the_error_names_the_character_and_its_place():
    with pytest.raises(InvalidInput, match=r"^link cannot be 'a\\nb': character 2 is U\+000A; allowed: ") as caught:
        refuse_control_characters("a\nb", "link")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 1, b"a", ["a"]])
def test_only_text_is_text(value):
    with pytest.raises(InvalidInput):
        refuse_control_characters(value, "link")
