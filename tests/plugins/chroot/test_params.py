"""The parameters: Ganeti's one, and what it lacked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import InvalidParameter
from hvcore.model.parameter_checks import check_parameter_syntax, coerce_parameters, fill_parameters
from hvcore_chroot.params import PARAMETERS, SYSTEM_MOUNTS, seconds, system_mounts


def checked(**given: object) -> dict[str, object]:
    filled = fill_parameters(PARAMETERS, coerce_parameters(PARAMETERS, given))
    check_parameter_syntax(PARAMETERS, filled)
    return dict(filled)


def test_the_defaults_are_good_and_documented() -> None:
    assert checked()["init_script"] == "/ganeti-chroot"
    assert all(p.since and p.example and p.description.endswith(".") for p in PARAMETERS)
    for parameter in PARAMETERS:
        checked(**{parameter.name: parameter.example})


@pytest.mark.parametrize("path", ["", None, "x", "./x", "/", "//", "/a/", "/a/../b", "/a//b"])
def test_the_script_is_a_normalised_absolute_path(path: object) -> None:
    with pytest.raises(InvalidParameter, match="init_script"):
        checked(init_script=path)


@pytest.mark.parametrize("path", ["/a", "/etc/init.d/all", "/with blank", "/ünicode"])
def test_a_script_that_can_be_one(path: str) -> None:
    assert checked(init_script=path)["init_script"] == path


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("", ()),
        ([], ()),
        (None, ()),
        ("proc", ("proc",)),
        ("devpts, dev ,proc", ("proc", "dev", "devpts")),
        (["sys", "sys"], ("sys",)),
    ],
)
def test_system_mounts_come_in_the_order_in_which_they_can_be_mounted(given: object, wanted: tuple[str, ...]) -> None:
    value = checked(system_mounts=given)["system_mounts"]
    assert system_mounts(value if isinstance(value, tuple) else None) == (wanted if value is not None else ())


@pytest.mark.parametrize("given", ["cgroup", "proc,,tmp", ["/proc"]])
def test_other_mounts_are_refused(given: object) -> None:
    with pytest.raises(InvalidParameter, match="system_mounts"):
        checked(system_mounts=given)


@given(st.sets(st.sampled_from(SYSTEM_MOUNTS)).map(tuple))
def test_devpts_always_comes_after_dev(given: tuple[str, ...]) -> None:
    found = system_mounts(given)
    assert set(found) == set(given)
    assert list(found) == sorted(found, key=SYSTEM_MOUNTS.index)


@pytest.mark.parametrize("name", ["startup_timeout", "shutdown_timeout", "term_timeout"])
def test_times_are_bounded(name: str) -> None:
    assert checked(**{name: 0})[name] == 0
    assert checked(**{name: "30"})[name] == 30
    for bad in (-1, 7 * 24 * 3600 + 1, "soon", 1.5):
        with pytest.raises(InvalidParameter, match=name):
            checked(**{name: bad})


def test_seconds() -> None:
    assert (seconds(None), seconds(""), seconds(7)) == (0.0, 0.0, 7.0)
