"""Requests to run a command: every field that cannot be met is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from hvcore.errors import InvalidInput
from hvcore.model.execution import ExecRequest, ExecResult


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"command": ()}, "command"),
        ({"command": ("",)}, "command"),
        ({"command": ("a\0b",)}, "command"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": -1}, "timeout_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"timeout_s": float("inf")}, "timeout_s"),
        ({"attached": True, "timeout_s": 1}, "attached"),
        ({"attached": True, "stdin": b""}, "attached"),
        ({"working_directory": "tmp"}, "working_directory"),
        ({"working_directory": "/a\0b"}, "working_directory"),
        ({"environment": {"": "x"}}, "environment"),
        ({"environment": {"A=B": "x"}}, "environment"),
        ({"environment": {"A": "x\0"}}, "environment"),
    ],
)
def test_what_cannot_be_met_is_refused(fields: dict[str, Any], key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ExecRequest(**{"command": ("true",), **fields})
    assert caught.value.key == key
    assert caught.value.allowed


def test_a_request_keeps_what_it_was_given() -> None:
    request = ExecRequest(("sh", "-c", "a=b"), b"in", {"LANG": "C=1"}, "/tmp", 1.5)
    assert (request.command[2], request.stdin, request.environment["LANG"]) == ("a=b", b"in", "C=1")


def test_a_result_becomes_plain_data() -> None:
    assert ExecResult(3, b"out\xff", b"err").to_dict() == {"exit_status": 3, "stdout": "out\ufffd", "stderr": "err"}
