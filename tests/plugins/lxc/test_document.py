"""A configuration document, and its text as LXC's own parser would read it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hvcore.errors import InvalidInput
from hvcore_lxc.document import ConfigDocument, ConfigEntry, render, unquoted

QUOTES = ('"', "'")


def lxc_reads(text: str) -> list[tuple[str, str]]:
    """Read a configuration after the rules of LXC 5.0, parse.c and confile.c: parse_line."""
    entries: list[tuple[str, str]] = []
    for raw in re.split("[\r\n\0]", text):
        line = raw.lstrip(" \t")
        if not line or line.startswith("#"):
            continue
        # LXC skips such a line without a word, so that whatever it should have said is lost.
        assert line.startswith("lxc."), line
        key, equals, value = line.partition("=")
        assert equals, line
        value = value.strip(" \t")
        if value[:1] in QUOTES and len(value) > 1 and value[-1] == value[0]:
            value = value[1:-1]
        entries.append((key.rstrip(" \t"), value))
    return entries


anything = st.text(st.characters() | st.sampled_from("\n\r\t\0\x0b\x0c\x1c\x85\u2028\u2029\ud800 \"'#=,"))
keys = st.from_regex(r"lxc\.[a-z0-9]{1,8}([._-][A-Za-z0-9_.*-]{1,12})?", fullmatch=True)
quoted = st.tuples(st.sampled_from([*QUOTES, " ", "\t", ""]), anything, st.sampled_from([*QUOTES, " ", ""])).map(
    "".join
)


@given(keys | anything, anything | quoted)
@settings(deadline=None)
def test_an_entry_is_one_line_and_its_value_survives_or_it_is_refused(key: str, value: str) -> None:
    try:
        entry = ConfigEntry(key, value)
    except InvalidInput:
        return
    text = render(ConfigDocument((entry,)))
    assert text.splitlines() == [text.removesuffix("\n")]
    assert lxc_reads(text) == [(key, value)]


@given(st.lists(st.tuples(keys, anything | quoted)), st.lists(anything, max_size=3))
@settings(deadline=None)
def test_a_document_has_one_line_per_entry_and_per_comment(pairs: list[tuple[str, str]], comments: list[str]) -> None:
    try:
        document = ConfigDocument(tuple(ConfigEntry(key, value) for key, value in pairs))
        text = render(document, comments)
    except InvalidInput:
        return
    assert len(text.splitlines()) == text.count("\n") == len(pairs) + len(comments)
    assert lxc_reads(text) == pairs


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp"))))
@settings(deadline=None)
def test_ordinary_text_is_never_refused(value: str) -> None:
    assert lxc_reads(render(ConfigDocument((ConfigEntry("lxc.environment", value),)))) == [("lxc.environment", value)]


@given(keys, st.text(st.characters(exclude_categories=("C", "Zl", "Zp")) | st.sampled_from(" \"'=")))
@settings(deadline=None)
def test_unquoted_reads_what_lxc_reads(key: str, content: str) -> None:
    assert [(key, unquoted(content))] == lxc_reads(f"{key} ={content}")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("", "lxc.x ="),
        ("plain", "lxc.x = plain"),
        (" a", 'lxc.x = " a"'),
        ("a ", 'lxc.x = "a "'),
        (" ", 'lxc.x = " "'),
        ('"a"', 'lxc.x = ""a""'),
        ("'a'", "lxc.x = \"'a'\""),
        ("'a\"", "lxc.x = 'a\""),
        ('"', 'lxc.x = "'),
        ('""', 'lxc.x = """"'),
        ("a\u00a0", "lxc.x = a\u00a0"),
        ("a = b, # c : d", "lxc.x = a = b, # c : d"),
    ],
)
def test_what_lxc_would_strip_is_protected(value: str, line: str) -> None:
    assert render(ConfigDocument((ConfigEntry("lxc.x", value),))) == f"{line}\n"
    assert lxc_reads(line) == [("lxc.x", value)]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "lxc",
        "lxc.",
        "lcx.net.0.type",
        " lxc.uts.name",
        "lxc.uts.name ",
        "lxc.uts name",
        "lxc.a=b",
        "lxc.uts.name\n",
        "lxc.uts.name\0",
        "lxc..name",
        "#lxc.uts.name",
        "LXC.uts.name",
        "lxc.utsé",
    ],
)
def test_keys_that_lxc_would_not_read_as_written(key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ConfigEntry(key, "x")
    assert (caught.value.key, caught.value.value) == (key, "x")


@pytest.mark.parametrize(
    "key",
    [
        "lxc.uts.name",
        "lxc.net.0.veth.pair",
        "lxc.cgroup.hugetlb.2MB.limit_in_bytes",
        "lxc.sysctl.net.ipv4.conf.eth0-1.rp_filter",
        "lxc.no_new_privs",
        "lxc.idmap",
    ],
)
def test_keys_of_every_shape(key: str) -> None:
    assert ConfigEntry(key, "x").key == key


@pytest.mark.timeout(60)
def test_a_long_wrong_key_is_refused_at_once() -> None:
    # Trying every way to share out the dots would never come to an end.
    with pytest.raises(InvalidInput):
        ConfigEntry(f"lxc.a{'.' * 20_000}!", "x")


@pytest.mark.parametrize("comment", ["a\nlxc.uts.name = evil", "a\r", "\u2028"])
def test_a_comment_cannot_add_a_line(comment: str) -> None:
    with pytest.raises(InvalidInput):
        render(ConfigDocument(), [comment])


def entries(*pairs: tuple[str, str]) -> tuple[ConfigEntry, ...]:
    return tuple(ConfigEntry(key, value) for key, value in pairs)


DOCUMENT = ConfigDocument(entries(("lxc.a", "1"), ("lxc.b", "2"), ("lxc.a", "3"), ("lxc.c", "4")))


def test_append() -> None:
    longer = DOCUMENT.append(*entries(("lxc.d", "5"), ("lxc.a", "6")))
    assert longer.entries == DOCUMENT.entries + entries(("lxc.d", "5"), ("lxc.a", "6"))
    assert DOCUMENT.values("lxc.a") == ("1", "3")
    assert longer.values("lxc.a") == ("1", "3", "6")


def test_replace_takes_the_place_of_the_first() -> None:
    assert DOCUMENT.replace("lxc.a", "x", "y").entries == entries(
        ("lxc.a", "x"), ("lxc.a", "y"), ("lxc.b", "2"), ("lxc.c", "4")
    )
    assert DOCUMENT.replace("lxc.c", "x").entries == (*DOCUMENT.entries[:-1], *entries(("lxc.c", "x")))


def test_replace_appends_a_new_key_and_removes_one_without_values() -> None:
    assert DOCUMENT.replace("lxc.d", "x").entries == DOCUMENT.entries + entries(("lxc.d", "x"))
    assert DOCUMENT.replace("lxc.a") == DOCUMENT.without("lxc.a")


def test_without() -> None:
    assert DOCUMENT.without("lxc.a").entries == entries(("lxc.b", "2"), ("lxc.c", "4"))
    assert DOCUMENT.without("lxc.z") == DOCUMENT


def test_a_key_is_the_whole_key() -> None:
    document = ConfigDocument(entries(("lxc.net.1.type", "veth"), ("lxc.net.10.type", "veth")))
    assert document.without("lxc.net.1.type").entries == entries(("lxc.net.10.type", "veth"))
