"""Reading a configuration back: nothing is lost, and a rendered document comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import InvalidInput
from hvcore_lxc.config_text import LineKind, parse, read_text
from hvcore_lxc.document import ConfigDocument, ConfigEntry, render
from hvcore_lxc.keys.table import spelt_keys

printable = st.characters(exclude_categories=("C", "Zl", "Zp"))
entries = st.builds(
    ConfigEntry,
    st.sampled_from([key for key in spelt_keys(3) if key.count(".") > 0] + ["lxc.cgroup2.memory.max"]),
    st.text(printable | st.sampled_from(" \"'=#,:"), max_size=20),
)
documents = st.lists(entries, max_size=8).map(lambda items: ConfigDocument(tuple(items)))


@given(documents, st.lists(st.text(printable, max_size=10), max_size=2))
def test_what_was_rendered_is_read_back(document: ConfigDocument, comments: list[str]) -> None:
    assert parse(render(document, comments)) == document


@given(st.text(st.characters() | st.sampled_from("\r\n =#\t\"'\0"), max_size=200))
def test_no_text_is_lost(text: str) -> None:
    read = read_text(text)
    assert read.text == text
    assert [line.number for line in read.lines] == list(range(1, len(read.lines) + 1))
    for line in read.entries:
        assert line.text[line.key_column - 1 :].startswith(line.key)
        # The value stands at its column, behind a quote that LXC drops.
        assert line.value in line.text[line.value_column - 1 :]


def test_every_kind_of_line() -> None:
    text = "# a comment\n\n  lxc.uts.name =  'web1' \r\nlcx.net.0.type = veth\rlxc.environment\n\t#b\n \f\n"
    read = read_text(text)
    assert [line.kind for line in read.lines] == [
        LineKind.COMMENT,
        LineKind.BLANK,
        LineKind.ENTRY,
        LineKind.IGNORED,
        LineKind.BROKEN,
        LineKind.COMMENT,
        LineKind.BLANK,
    ]
    (name,) = read.entries
    assert (name.number, name.key, name.value) == (3, "lxc.uts.name", "web1")
    assert (name.key_column, name.value_column) == (3, 19)


@pytest.mark.parametrize("line", ["garbage", "lxc.environment", "lxc.Über = 1", "lxc = 2"])
def test_what_is_no_entry_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(f"# first\nlxc.uts.name = a\n{line}\n")
    assert caught.value.line == 3
