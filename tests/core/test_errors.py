"""The tree of errors: drawn as it is, with stable codes, and told in full."""

from __future__ import annotations

import inspect
import json
import math
import pickle
import re
from collections.abc import Iterator
from typing import Any

import pytest

import hvcore
from hvcore import errors
from hvcore.errors import (
    Busy,
    CommandFailed,
    CommandTimeout,
    HookFailed,
    HypervisorError,
    InstanceNotFound,
    InvalidInput,
    InvalidParameter,
    NotRunning,
    OperationFailed,
    UnknownHypervisor,
    Unsupported,
    one_line,
)

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, HypervisorError)]
each_class = pytest.mark.parametrize("kind", CLASSES, ids=[kind.__name__ for kind in CLASSES])

CONTEXT: dict[str, Any] = {
    "hypervisor": "lxc",
    "instance": "web1",
    "operation": "start_instance",
    "step": "mount",
    "details": ["the tool said", "two lines"],
    "undone": ["config", "mount"],
    "left_behind": ["loop device: busy"],
    "resolution": "free the device",
}


def full(kind: type[HypervisorError]) -> HypervisorError:
    extra: dict[str, Any] = {}
    if issubclass(kind, InvalidInput):
        extra = {"file": "web1.toml", "line": 3, "key": "backend.vcpus", "value": 0, "allowed": "1 to 8192"}
    if issubclass(kind, CommandFailed):
        extra = {"command": ["lxc-start", "-n", "web1"], "status": 1}
    return kind("it failed", **CONTEXT, **extra)


# The tree.


def drawn() -> Iterator[tuple[int, str, str]]:
    """Yield depth, name and description of each class of the drawing."""
    for line in (errors.__doc__ or "").split("\n"):
        if match := re.fullmatch(r" {4}([ │├└─]*)(\w+) {2,}(\S.*)", line):
            yield len(match[1]) // 4, match[2], match[3]


def test_the_drawing_is_the_tree() -> None:
    parents: list[str] = []
    seen: list[str] = []
    for depth, name, description in drawn():
        kind = getattr(errors, name)
        del parents[depth:]
        assert [base.__name__ for base in kind.__bases__] == (parents[-1:] or ["Exception"])
        assert description
        parents.append(name)
        seen.append(name)
    assert seen[0] == "HypervisorError"
    assert len(seen) == len(set(seen))
    assert set(seen) == {kind.__name__ for kind in CLASSES}


def test_every_class_is_exported() -> None:
    assert {kind.__name__ for kind in CLASSES} | {"one_line"} == set(errors.__all__)
    for name in ("HypervisorError", "InvalidInput", "Unsupported"):
        assert getattr(hvcore, name) is getattr(errors, name)


def test_codes_are_unique_and_dotted() -> None:
    codes = [kind.code for kind in CLASSES]
    assert len(codes) == len(set(codes))
    for code in codes:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)*", code)


@each_class
def test_a_code_extends_the_code_of_the_class_above(kind: type[HypervisorError]) -> None:
    [above] = kind.__bases__
    if issubclass(above, HypervisorError) and above is not HypervisorError:
        assert kind.code.startswith(f"{above.code}.")
    for other in CLASSES:
        if kind.code.startswith(f"{other.code}."):
            assert issubclass(kind, other)


@each_class
def test_says_what_it_stands_for(kind: type[HypervisorError]) -> None:
    assert inspect.getdoc(kind)
    assert "code" in vars(kind)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (HypervisorError, 1),
        (OperationFailed, 1),
        (HookFailed, 1),
        (InvalidInput, 2),
        (InvalidParameter, 2),
        (UnknownHypervisor, 2),
        (Unsupported, 3),
        (InstanceNotFound, 4),
        (NotRunning, 4),
        (Busy, 5),
    ],
)
def test_has_the_exit_status_that_hv_ends_with(kind: type[HypervisorError], status: int) -> None:
    assert kind.exit_status == status


# As data.


@each_class
def test_every_field_survives_json(kind: type[HypervisorError]) -> None:
    error = full(kind)
    told = json.loads(json.dumps(error.to_dict(), allow_nan=False))
    assert told == error.to_dict()
    assert told["code"] == kind.code
    assert told["message"] == "it failed"
    for name, value in CONTEXT.items():
        assert told[name] == value
    for name, value in error.extra_fields().items():
        assert told[name] == value
        assert value is not None


@each_class
def test_every_field_has_a_key_when_nothing_is_set(kind: type[HypervisorError]) -> None:
    assert kind("it failed").to_dict().keys() == full(kind).to_dict().keys()


@each_class
def test_survives_a_pickle(kind: type[HypervisorError]) -> None:
    error = full(kind)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert copy.to_dict() == error.to_dict()
    assert str(copy) == str(error)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("text", "text"),
        (0, 0),
        (False, False),
        (None, None),
        (1.5, 1.5),
        (math.nan, "nan"),
        (math.inf, "inf"),
        ([1, 2], "[1, 2]"),
        (b"x", "b'x'"),
        ({"a": {1}}, "{'a': {1}}"),
    ],
)
def test_a_value_of_any_kind_can_be_told(value: object, told: object) -> None:
    error = InvalidInput("no", value=value)
    assert json.loads(json.dumps(error.to_dict(), allow_nan=False))["value"] == told


def test_lists_are_kept_as_they_were_when_the_error_was_made() -> None:
    details = ["one"]
    error = OperationFailed("no", details=details, undone=(step for step in "ab"))
    details.append("two")
    assert (error.details, error.undone) == (("one",), ("a", "b"))


# Context.


def test_context_fills_what_is_unset_and_changes_nothing_else() -> None:
    error = OperationFailed("no", instance="web1", step="mount")
    assert error.add_context(hypervisor="lxc", instance="other", operation="start_instance", step="x") is error
    assert (error.hypervisor, error.instance, error.operation, error.step) == ("lxc", "web1", "start_instance", "mount")
    error.add_context()
    assert error.hypervisor == "lxc"


# In words.


def test_explains_the_whole_story() -> None:
    assert full(OperationFailed).explain() == (
        "lxc start_instance web1: it failed\n"
        "  failed step: mount\n"
        "  the tool said\n"
        "  two lines\n"
        "  undone: config, mount\n"
        "  left behind: loop device: busy\n"
        "  what to do: free the device\n"
        "  code: operation"
    )


def test_explains_only_what_there_is() -> None:
    assert CommandTimeout("it hung").explain() == "it hung\n  code: operation.command.timeout"
    assert Busy("busy", instance="web1").explain() == "web1: busy\n  code: instance.busy"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "no"),
        ({"file": "a.toml"}, "a.toml: no"),
        ({"file": "a.toml", "line": 3}, "a.toml:3: no"),
        ({"allowed": "yes"}, "no; allowed: yes"),
        ({"file": "a.toml", "line": 3, "key": "k", "value": 0, "allowed": "yes"}, "a.toml:3: no; allowed: yes"),
    ],
)
def test_bad_input_says_where_it_stands_and_what_is_allowed(fields: dict[str, Any], text: str) -> None:
    error = InvalidInput("no", hypervisor="no", **fields)
    assert str(error) == text
    assert error.explain().split("\n")[0] == f"no: {text}"


def test_the_message_is_what_str_says() -> None:
    assert str(OperationFailed("it failed", details=["more"])) == "it failed"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("one\n  two"), "ValueError: one two"),
        (ValueError(), "ValueError"),
        (KeyError("a"), "KeyError: 'a'"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_one_line_tells_any_exception_in_one_line(error: BaseException, text: str) -> None:
    assert one_line(error) == text
