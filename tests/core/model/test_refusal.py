from __future__ import annotations

import json

import pytest

from hvcore.errors import InvalidInput
from hvcore.model.refusal import closest, missing, nested, printable, refused, shown, unknown_key

HUGE = 10**5000


def test_shown_is_one_short_printable_line():
    assert shown("a\nb\u2028\ud800") == r"'a\nb\u2028\ud800'"
    assert len(shown("x" * 1000)) == 80
    assert shown("x" * 1000).endswith("...")


def test_a_number_that_python_refuses_to_print_is_still_shown():
    assert shown(HUGE) == "<int too large to show>"
    error = refused("vcpus", HUGE, "a small number")
    assert json.loads(json.dumps(error.to_dict()))["value"] == "<int too large to show>"


def test_values_that_can_be_printed_stay_as_they_are():
    assert printable([1, "a"]) == [1, "a"]


def test_refused_says_key_value_allowed_and_what_to_do():
    error = refused("vcpus", 0, "1 to 8", why="too few")
    assert (error.key, error.value, error.allowed) == ("vcpus", 0, "1 to 8")
    assert str(error) == "vcpus cannot be 0: too few; allowed: 1 to 8"
    assert error.resolution == "set vcpus to 1 to 8"


def test_nested_moves_every_mention_of_the_key():
    error = nested(refused("path", "a", "an absolute path"), "disks[1]")
    assert error.key == "disks[1].path"
    assert str(error) == "disks[1].path cannot be 'a'; allowed: an absolute path"
    assert error.resolution == "set disks[1].path to an absolute path"


def test_nested_keeps_a_resolution_of_its_own():
    assert nested(refused("path", "a", "b", resolution="mount it"), "disks[0]").resolution == "mount it"
    assert nested(missing("path", "a path"), "disks[0]").resolution == "set disks[0].path to a path"


@pytest.mark.parametrize(("word", "expected"), [("vcpu", "vcpus"), ("zzz", None), ("v" * 100_000, None)])
def test_closest(word, expected):
    assert closest(word, ["vcpus", "memory_mib"]) == expected


def test_unknown_key_guesses_or_says_remove():
    error = unknown_key("backend.vcpu", "vcpu", 1, ["vcpus"])
    assert isinstance(error, InvalidInput)
    assert error.resolution == "did you mean vcpus?"
    assert unknown_key("zzz", "zzz", 1, ["vcpus"]).resolution == "remove zzz"


def test_a_giant_key_does_not_make_a_giant_message():
    assert len(str(unknown_key("k" * 10_000, "k" * 10_000, 1, ["vcpus"]))) < 200
    assert len(refused("k" * 10_000, 1, "2").explain()) < 400
