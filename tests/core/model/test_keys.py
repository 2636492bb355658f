from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.model.keys import dotted

PATHS = st.lists(st.text(alphabet="ab.[0]'\"\\\n", max_size=4) | st.integers(0, 3), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("disks", 1, "path"), "disks[1].path"),
        (("a", "b-c_1"), "a.b-c_1"),
        (("a", "b.c"), "a.'b.c'"),
        (("a", ""), "a.''"),
        (("a\nb",), r"'a\nb'"),
    ],
)
def test_dotted(path, expected):
    assert dotted(path) == expected


@given(PATHS, PATHS)
def test_two_paths_never_share_a_key(one, other):
    assert (dotted(one) == dotted(other)) == (one == other)
    assert dotted(one).isprintable()
