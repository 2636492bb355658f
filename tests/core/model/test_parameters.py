from __future__ import annotations

import pytest

from hvcore.errors import InvalidPlugin
from hvcore.model.parameters import (
    CPU_MASK,
    DIR,
    FILE,
    FILE_OR_URL,
    MIGRATION_MODE,
    MULTI_CPU_MASK,
    NET_PORT,
    NO_CHECK,
    NONNEGATIVE_INT,
    REQUIRED,
    VIRTIO_NET_QUEUES,
    Check,
    Parameter,
    ParameterType,
    param_in_set,
)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (FILE, ["/a", "/", "//a"], ["/a/", "/a/./b", "", "a", "/a/../b"]),
        (DIR, ["/a", "/"], ["/a/", "a"]),
        (
            FILE_OR_URL,
            ["/a", "https://example.org/a", "ftp://example.org"],
            ["a", "https://", "file:///a", "xhttp://a"],
        ),
        (NET_PORT, [1, 80, 65534, 65535], [0, -1, 65536]),
        (NONNEGATIVE_INT, [0, 1], [-1]),
        (VIRTIO_NET_QUEUES, [1, 32], [0, 33, -1]),
        (MIGRATION_MODE, ["live", "non-live"], ["", "Live", 1]),
        (param_in_set(False, {1, 2}), [1, 2], [3, "1"]),
    ],
)
def test_syntax_rules(check, good, bad):
    assert [value for value in good if not check.syntax(value)] == []
    assert [value for value in bad if check.syntax(value)] == []


def test_masks():
    assert CPU_MASK.syntax("0-2")
    assert not CPU_MASK.syntax("")
    assert MULTI_CPU_MASK.syntax("0:all")
    assert MULTI_CPU_MASK.syntax("")
    assert MULTI_CPU_MASK.syntax(":")


def test_runtime_rules_look_at_the_node(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for check in (FILE, FILE_OR_URL):
        assert check.runtime(str(file))
        assert not check.runtime(str(tmp_path))
        assert not check.runtime(str(tmp_path / "none"))
    assert FILE_OR_URL.runtime("https://example.org/a")
    assert DIR.runtime(str(tmp_path))
    assert not DIR.runtime(str(file))


def test_required_twins():
    assert [check.required for check in (NO_CHECK, REQUIRED, FILE, MIGRATION_MODE)] == [False, True, False, True]
    assert FILE.as_required() == Check(True, FILE.syntax, FILE.syntax_message, FILE.runtime, FILE.runtime_message)
    assert not FILE.required
    assert (NO_CHECK.syntax, NO_CHECK.runtime) == (None, None)


def test_the_set_is_in_the_message():
    assert param_in_set(True, {"b", "a"}).syntax_message == "The value must be one of: a, b"


def test_a_declaration():
    parameter = Parameter("cpu_mask", ParameterType.STRING, "", "CPUs", CPU_MASK, since="1.0", example="0-2")
    assert not parameter.required
    assert Parameter("mode", ParameterType.STRING, None, "Mode", MIGRATION_MODE).required


@pytest.mark.parametrize("name", ["", "A", "1a", "a-b", "a b", "é"])
def test_names_that_cannot_be_declared(name):
    with pytest.raises(InvalidPlugin):
        Parameter(name, ParameterType.INT, 0, "x")


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        (ParameterType.INT, "3"),
        (ParameterType.INT, True),
        (ParameterType.BOOL, 0),
        (ParameterType.STRING, 1),
        (ParameterType.LIST, "a"),
        (ParameterType.LIST, (1,)),
    ],
)
def test_defaults_of_another_type_cannot_be_declared(kind, default):
    with pytest.raises(InvalidPlugin, match="default of parameter x"):
        Parameter("x", kind, default, "x")
