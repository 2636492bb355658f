"""Finding plugins through importlib.metadata, each by itself."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore import discovery
from hvcore.discovery import ALL_GROUP, HYPERVISORS_GROUP, Candidate, Selection, extension_group, find_all
from hvcore.errors import HookConflict, InvalidPlugin

if TYPE_CHECKING:
    from tests.core.conftest import Site


def found(group_or_project: str) -> list[Candidate]:
    return [c for c in find_all() if group_or_project in {c.group, c.project}]


def candidate(name: str = "overlay", project: str = "hvcore-overlay") -> Candidate:
    return Candidate("hvcore.lxc", name, f"{project} 1.0", project, lambda: name)


# Finding.


def test_finds_every_entry_point_of_its_groups_and_imports_nothing(site: Site) -> None:
    site.install(
        "hvcore-good",
        {HYPERVISORS_GROUP: {"good": "good_module:plugin"}, "hvcore.lxc": {"x": "good_module:x"}, "other": {"y": "z"}},
        modules={"good_module": "raise AssertionError('imported')"},
    )
    assert [(c.group, c.name, c.distribution, c.project) for c in found("hvcore-good")] == [
        ("hvcore.hypervisors", "good", "hvcore-good 1.0", "hvcore-good"),
        ("hvcore.lxc", "x", "hvcore-good 1.0", "hvcore-good"),
    ]
    assert "good_module" not in sys.modules


def test_answers_sorted_by_group_and_name_however_the_disk_orders_them(site: Site) -> None:
    for project in ("hvcore-b", "hvcore-c", "hvcore-a"):
        site.install(project, {"hvcore.toy": {"same": "x:y", project[-1]: "x:y"}, ALL_GROUP: {"z": "x:y"}})
    candidates = [c for c in find_all() if c.project in {"hvcore-a", "hvcore-b", "hvcore-c"}]
    assert [(c.group, c.name, c.project[-1]) for c in candidates] == [
        ("hvcore.all", "z", "a"),
        ("hvcore.all", "z", "b"),
        ("hvcore.all", "z", "c"),
        ("hvcore.toy", "a", "a"),
        ("hvcore.toy", "b", "b"),
        ("hvcore.toy", "c", "c"),
        ("hvcore.toy", "same", "a"),
        ("hvcore.toy", "same", "b"),
        ("hvcore.toy", "same", "c"),
    ]


def test_finds_the_built_in_hypervisors() -> None:
    builtin = {c.name for c in found(HYPERVISORS_GROUP) if c.is_builtin}
    assert {"fake", "lxc"} <= builtin


def test_the_built_in_hypervisors_load() -> None:
    for each in found(HYPERVISORS_GROUP):
        if each.is_builtin:
            assert discovery.load(each)


def test_of_a_distribution_that_is_on_the_path_twice_the_first_counts(site: Site, tmp_path: Path) -> None:
    site.install("hvcore-twice", {"hvcore.toy": {"old": "x:y"}}, version="1.0")
    earlier = tmp_path / "earlier"
    shutil.copytree(site.directory, earlier)
    folder = next(earlier.iterdir()).rename(earlier / "HVcore.Twice-2.0.dist-info")
    (folder / "METADATA").write_text("Name: HVcore.Twice\nVersion: 2.0\n")
    site.prepend(earlier)
    assert [(c.distribution) for c in find_all() if c.group == "hvcore.toy"] == ["HVcore.Twice 2.0"]


def test_a_distribution_without_metadata_is_used_under_no_name(site: Site) -> None:
    site.install("hvcore-nameless", {"hvcore.toy": {"a": "os:sep"}}, metadata="")
    site.install("hvcore-nameless-too", {"hvcore.toy": {"b": "os:sep"}}, metadata="")
    candidates = [c for c in find_all() if c.group == "hvcore.toy"]
    assert [(c.name, c.distribution) for c in candidates] == [
        ("a", "unknown distribution"),
        ("b", "unknown distribution"),
    ]
    assert discovery.load(candidates[0]) == os.sep


def test_an_unreadable_list_of_entry_points_is_a_candidate_that_does_not_load(site: Site) -> None:
    site.install("hvcore-fine", {"hvcore.toy": {"fine": "os:sep"}})
    site.install("hvcore-torn", "[hvcore.toy]\nno equals sign here\n")
    garbled = site.install("hvcore-garbled", "")
    (garbled / "entry_points.txt").write_bytes(b"[hvcore.toy]\na = \xff\xfe:x\n")
    torn = found("hvcore-torn")
    assert [(c.group, c.name) for c in torn] == [(ALL_GROUP, "hvcore-torn")]
    with pytest.raises(InvalidPlugin, match="'hvcore-torn' of hvcore-torn 1.0 cannot be imported"):
        discovery.load(torn[0])
    assert [c.name for c in found("hvcore-garbled")] == ["hvcore-garbled"]
    assert [c.name for c in found("hvcore-fine")] == ["fine"]


def test_what_is_wrong_with_other_distributions_disturbs_nobody(site: Site) -> None:
    site.install("unrelated", "[console_scripts]\nno equals sign here\n", metadata="")
    site.install("hvcore-fine", {"hvcore.toy": {"fine": "os:sep"}})
    assert [c.name for c in find_all() if c.group == "hvcore.toy"] == ["fine"]
    assert found("unrelated") == []


# Loading.


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import module_that_is_not_there", "ModuleNotFoundError: No module named 'module_that_is_not_there'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def (:", "SyntaxError: "),
        ("", "AttributeError: "),
        ("raise ValueError('one\\ntwo')", "ValueError: one two"),
    ],
)
def test_whatever_an_import_raises_is_told_in_one_line_with_its_traceback(site: Site, source: str, reason: str) -> None:
    site.install("hvcore-bad", {"hvcore.toy": {"bad": "bad_module:plugin"}}, modules={"bad_module": source})
    [bad] = found("hvcore-bad")
    with pytest.raises(InvalidPlugin) as caught:
        discovery.load(bad)
    error = caught.value
    assert error.message.startswith(f"'bad' of hvcore-bad 1.0 cannot be imported: {reason}")
    assert "\n" not in error.message
    assert error.__cause__ is not None
    assert "hvcore-bad" in str(error.resolution)
    record = discovery.broken(bad, error)
    assert (record.group, record.name, record.distribution) == ("hvcore.toy", "bad", "hvcore-bad 1.0")
    assert record.reason == "; ".join((error.message, *error.details))
    assert record.resolution == error.resolution
    assert "Traceback (most recent call last)" in record.traceback
    assert reason.partition(":")[0] in record.traceback


@pytest.mark.parametrize(
    ("value", "source", "resolution", "place"),
    [
        ("bad_module:plugin", "import gone_away", "nothing installed brings the module 'gone_away'", "bad_module.py:1"),
        ("no_module:plugin", "", "let the entry point 'bad' of hvcore-bad name a module that is there", ""),
        ("bad_module:plugn", "plugin = 1", "name something that is in bad_module; there is no plugn in it", ""),
        ("bad_module:plugin", "x = 1\n\nx.y", "reinstall or update hvcore-bad", "bad_module.py:3"),
        ("bad_module:plugin", "x = 1\ndef (:", "reinstall or update hvcore-bad", "bad_module.py:2"),
    ],
)
def test_what_cannot_be_imported_is_told_with_the_place_and_what_to_do(
    site: Site, value: str, source: str, resolution: str, place: str
) -> None:
    site.install("hvcore-bad", {"hvcore.toy": {"bad": value}}, modules={"bad_module": source})
    [bad] = found("hvcore-bad")
    assert bad.value == value
    with pytest.raises(InvalidPlugin) as caught:
        discovery.load(bad)
    assert resolution in str(caught.value.resolution)
    assert "HVCORE_DISABLE" in str(caught.value.resolution)
    assert list(caught.value.details) == ([f"at {site.directory}/{place}"] if place else [])


def test_an_interruption_while_importing_is_not_the_plugins_fault() -> None:
    def interrupted() -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        discovery.load(Candidate("hvcore.toy", "a", "a 1", "a", interrupted))


def test_the_record_of_a_broken_plugin_tells_the_details_too() -> None:
    record = discovery.broken(candidate(), InvalidPlugin("it is odd", details=["at x.py:3"]))
    assert record.reason == "it is odd; at x.py:3"
    assert record.resolution == ""


def test_two_distributions_of_one_name_are_an_error_that_names_both() -> None:
    claims = [candidate(project="hvcore-b"), candidate(project="hvcore-a")]
    error = discovery.duplicate(claims)
    assert isinstance(error, HookConflict)
    assert error.message == "'overlay' of hvcore.lxc is claimed by hvcore-a 1.0 and hvcore-b 1.0"
    assert "HVCORE_DISABLE" in str(error.resolution)


# Selecting.


@pytest.mark.parametrize(
    ("allowed", "denied", "refusal"),
    [
        (None, "", ""),
        ("", "", "not in HVCORE_PLUGINS"),
        ("overlay", "", ""),
        ("hvcore-overlay", "", ""),
        ("HVcore_Overlay", "", ""),
        ("other, hvcore.overlay", "", ""),
        ("Overlay", "", "not in HVCORE_PLUGINS"),
        ("other", "", "not in HVCORE_PLUGINS"),
        (None, "overlay", "disabled by HVCORE_DISABLE"),
        (None, "x hvcore_overlay,y", "disabled by HVCORE_DISABLE"),
        ("overlay", "overlay", "disabled by HVCORE_DISABLE"),
        (None, "over", ""),
    ],
)
def test_plugins_are_allowed_and_denied_by_name_or_distribution(allowed: str | None, denied: str, refusal: str) -> None:
    environment = {"HVCORE_DISABLE": denied} | ({} if allowed is None else {"HVCORE_PLUGINS": allowed})
    assert Selection.from_environment(environment).refusal(candidate()) == refusal


def test_an_empty_allow_list_leaves_the_built_in_ones_which_can_still_be_denied() -> None:
    builtin = candidate("lxc", "hvcore")
    assert Selection.from_environment({"HVCORE_PLUGINS": ""}).refusal(builtin) == ""
    assert Selection.from_environment({"HVCORE_DISABLE": "lxc"}).refusal(builtin) == "disabled by HVCORE_DISABLE"
    assert Selection.from_environment({"HVCORE_PLUGINS": ""}).refusal(candidate()) == "not in HVCORE_PLUGINS"


@given(st.lists(st.from_regex(r"[a-z][a-z0-9._-]{0,8}", fullmatch=True), max_size=5), st.sampled_from([",", " ", ", "]))
def test_lists_of_names_are_separated_by_commas_or_blanks(names: list[str], separator: str) -> None:
    assert Selection.from_environment({"HVCORE_DISABLE": separator.join(names)}).denied == frozenset(names)


def test_extension_groups_are_named_after_the_hypervisor() -> None:
    assert extension_group("lxc") == "hvcore.lxc"
    assert extension_group("all") == ALL_GROUP
