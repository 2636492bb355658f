from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.model.keys import dotted
from hvcore.model.toml_lines import fault_line, line_of, locate_keys

EXAMPLE = '''# a comment
name = "web1"

[backend]
memory_mib = 256 # MiB
"odd.key" = 1

[parameters]
devices = [
  "c 1:3 rw", # ] not the end
  "]",
]
text = """
a = 1
[not.a.table]
"""
deep.er = 1

[[disks]]
path = "/a"

[[disks]]
path = "/b"
[disks.options]
fast = true
[[disks.parts]]
n = 1
[[disks.parts]]
n = 2

[[nics]]
mode = "none"
'''


def test_every_key_is_found():
    assert locate_keys(EXAMPLE) == {
        "name": 2,
        "backend": 4,
        "backend.memory_mib": 5,
        "backend.'odd.key'": 6,
        "parameters": 8,
        "parameters.devices": 9,
        "parameters.text": 13,
        "parameters.deep": 17,
        "parameters.deep.er": 17,
        "disks": 19,
        "disks[0]": 19,
        "disks[0].path": 20,
        "disks[1]": 22,
        "disks[1].path": 23,
        "disks[1].options": 24,
        "disks[1].options.fast": 25,
        "disks[1].parts": 26,
        "disks[1].parts[0]": 26,
        "disks[1].parts[0].n": 27,
        "disks[1].parts[1]": 28,
        "disks[1].parts[1].n": 29,
        "nics": 31,
        "nics[0]": 31,
        "nics[0].mode": 32,
    }


def test_windows_line_ends_count_once():
    assert locate_keys(EXAMPLE.replace("\n", "\r\n")) == locate_keys(EXAMPLE)


def test_characters_that_end_no_toml_line_are_not_counted():
    assert locate_keys('a = "\u2028\u0085"\nb = 1') == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("disks[1].path", 23),
        ("disks[1].size", 22),
        ("disks[1]", 22),
        ("disks[7].path", 19),
        ("parameters.devices[1]", 9),
        ("backend.'odd.key'", 6),
        ("backend.'odd.other'", 4),
        ("nowhere", None),
        ("", None),
    ],
)
def test_the_innermost_known_place(key, line):
    assert line_of(locate_keys(EXAMPLE), key) == line


def test_inline_tables_have_the_line_of_their_value():
    lines = locate_keys('a = 1\ndisks = [\n {path = "/a"},\n {path = "/b"},\n]\nb = {c = {d = 1, e = 2}}')
    assert line_of(lines, "disks[1].path") == 2
    assert line_of(lines, "b.c.e") == 6


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (EXAMPLE, None),
        ("", None),
        ("a = 1\nb = \nc = 3", 2),
        ("a = 1\n\nb = [\n1,\n", 3),
        ('a = """\nx\n', 1),
        ("a = 1\nb = " + "9" * 5000, 2),
        ("a = 1\nb = " + "[" * 5000 + "]" * 5000, 2),
    ],
)
def test_fault_line(text, line):
    assert fault_line(text) == line


def test_keys_before_a_fault_are_still_found():
    assert locate_keys("a = 1\nb = = 2\nc = 3") == {"a": 1}


def test_work_is_bounded_on_a_value_of_many_lines(monkeypatch):
    parsed = 0
    loads = tomllib.loads

    def counted(text):
        nonlocal parsed
        parsed += len(text)
        return loads(text)

    monkeypatch.setattr(tomllib, "loads", counted)
    text = "a = 1\nb = [\n" + '"]",\n' * 20_000 + "]\nc = 1\n"
    assert locate_keys(text) == {"a": 1}
    assert parsed < 3 * 2**20


SCALARS = st.sampled_from(
    [
        "1",
        '"x"',
        "'''\nq = 1\n[x]\n'''",
        '"""\n\n# no comment\n"""',
        "[1,\n # c\n 2 ]",
        "{i = 1, j = 2}",
        "[\n[\n]\n]",
        "1979-05-27",
    ]
)
NAMES = st.sampled_from(["a", "b-1", '"q.q"', "'#'", '"]"', "'[x]'"])
NOISE = st.lists(st.sampled_from(["", "  ", "# note", '\t# """', "# ["]), max_size=3)
KEYS = st.lists(st.tuples(NOISE, NAMES, SCALARS), max_size=4, unique_by=lambda item: item[1])
TABLES = st.lists(st.tuples(NOISE, NAMES, KEYS), max_size=4, unique_by=lambda item: item[1])
ARRAYS = st.lists(st.tuples(NOISE, KEYS), max_size=4)


@given(KEYS, TABLES, ARRAYS)
def test_generated_documents(top, tables, array):
    lines: list[str] = []
    expected: dict[str, int] = {}

    def bare(name):
        return name if name[0] not in "\"'" else name[1:-1]

    def write(noise, text, *path):
        lines.extend(noise)
        for length in range(1, len(path) + 1):
            expected.setdefault(dotted(path[:length]), len(lines) + 1)
        lines.extend(text.split("\n"))

    for noise, name, value in top:
        write(noise, f" {name}\t= {value} # end", bare(name))
    for noise, name, keys in tables:
        write(noise, f"[t. {name}]", "t", bare(name))
        for inner, key, value in keys:
            write(inner, f"{key}={value}", "t", bare(name), bare(key))
    for index, (noise, keys) in enumerate(array):
        write(noise, "[[list]] # [x]", "list", index)
        for inner, key, value in keys:
            write(inner, f"{key}={value}", "list", index, bare(key))
    text = "\n".join(lines)
    tomllib.loads(text)
    assert locate_keys(text) == expected
    assert fault_line(text) is None


@given(st.text() | st.text(alphabet="ab.=[]{}\"'#\n 1,"))
def test_any_text_gives_lines_of_the_text(text):
    count = text.replace("\r\n", "\n").count("\n") + 1
    assert all(1 <= line <= count for line in locate_keys(text).values())
    fault = fault_line(text)
    assert fault is None or 1 <= fault <= count
