"""What ``hvcore.testing`` offers by its own name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hvcore import testing


@pytest.mark.parametrize("name", testing.__all__)
def test_every_name_is_there(name: str) -> None:
    thing = getattr(testing, name)
    assert thing.__name__ == name
    assert thing.__module__.startswith("hvcore.testing.")


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'FakeRuner'"):
        _ = testing.FakeRuner  # type: ignore[attr-defined]


def test_nothing_is_imported_before_it_is_used() -> None:
    code = "import sys, hvcore.testing; print([n for n in sys.modules if n.startswith('hvcore.testing.') or n == 'pytest'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
