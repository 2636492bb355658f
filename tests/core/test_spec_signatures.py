"""What a scope demands of the signature of a spec."""

from __future__ import annotations

from typing import Any

import pytest

from hvcore.errors import InvalidPlugin
from hvcore.plugin import command
from hvcore.scope import Scope


def spec_with(function: Any) -> type:
    return type("Written", (), {"hook": command(since="1.0")(function)})


def keyword_only(self: object, *, force: bool) -> int:
    raise NotImplementedError


def with_default(self: object, force: bool = False) -> int:
    raise NotImplementedError


def without_self(force: bool) -> int:
    raise NotImplementedError


def without_anything() -> int:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (keyword_only, "takes the keyword-only argument force"),
        (with_default, "gives force a default"),
        (without_self, "does not take self"),
        (without_anything, "does not take self"),
    ],
)
def test_a_spec_with_a_forbidden_signature_is_refused(function: Any, message: str) -> None:
    with pytest.raises(InvalidPlugin, match=f"the hook {function.__name__} {message}") as caught:
        Scope("toy", (spec_with(function),))
    assert caught.value.details[0].startswith(f"at {__file__}:")
