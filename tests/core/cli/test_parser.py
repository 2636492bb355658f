"""From words to a verb and its arguments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.cli.parser import build_full_parser, parse
from hvcore.cli.plain import parse_plain
from hvcore.cli.verbs import VERBS, load_command
from hvcore.errors import InvalidInput

PLAIN = [name for name, verb in VERBS.items() if verb.is_plain]


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help(hv: Any, name: str) -> None:
    outcome = hv(name, "--help")
    assert outcome.status == 0
    assert f"usage: hv {name}" in outcome.out
    assert "--state-dir DIR" in outcome.out
    assert VERBS[name].summary in " ".join(hv("--help").out.split())


def test_the_closest_verb_is_named(hv: Any) -> None:
    assert "did you mean 'hv list'?" in hv("lst").err
    assert "did you mean 'hv balloon'?" in hv("ballon").err
    assert "'hv --help' lists the verbs" in hv("xyzzy").err


def test_the_closest_option_is_named(hv: Any) -> None:
    assert "did you mean --force?" in hv("stop", "web1", "--froce").err
    assert "did you mean --timeout?" in hv("stop", "web1", "--time=3").err


def test_options_are_never_abbreviated() -> None:
    with pytest.raises(InvalidInput, match="unknown option '--forc'"):
        parse(["stop", "web1", "--forc"])


@pytest.mark.parametrize(
    "words",
    [
        ["-H", "fake", "stop", "web1", "--force", "--json"],
        ["--json", "stop", "-H", "fake", "--force", "web1"],
        ["stop", "web1", "--json", "--force", "--hypervisor", "fake"],
        ["--hypervisor=fake", "--json", "stop", "--force", "web1"],
    ],
)
def test_global_options_stand_before_and_after_the_verb(words: list[str]) -> None:
    arguments = parse(words).arguments
    assert (arguments.hypervisor, arguments.json, arguments.name, arguments.force) == ("fake", True, "web1", True)


def test_the_value_of_a_global_option_is_no_verb() -> None:
    assert parse(["-H", "list", "stop", "web1"]).arguments.hypervisor == "list"


def test_words_after_two_dashes_are_the_commands_own() -> None:
    arguments = parse(["exec", "web1", "--env", "A=1", "--env", "B=", "--", "ls", "--json", "--", "-l"]).arguments
    assert arguments.words == ["ls", "--json", "--", "-l"]
    assert arguments.env == [("A", "1"), ("B", "")]
    assert arguments.json is False


def test_a_command_without_two_dashes_is_refused_with_the_right_form() -> None:
    with pytest.raises(InvalidInput, match="unexpected word 'ls'") as caught:
        parse(["exec", "web1", "ls"])
    assert "hv exec NAME -- COMMAND" in str(caught.value.resolution)


@pytest.mark.parametrize("name", VERBS)
def test_the_parser_of_all_verbs_knows_what_each_one_knows(name: str) -> None:
    full = build_full_parser().format_help()
    assert f"    {name} " in full
    assert callable(load_command(name).run)


FLAG = st.sampled_from([["--json"], ["--debug"], ["--no-plugins"]])
VALUED = st.tuples(
    st.sampled_from(["-H", "--hypervisor", "--state-dir", "--log-dir"]),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1).filter(lambda t: t[0] != "-"),
).map(list)


@given(st.sampled_from(PLAIN), st.lists(FLAG | VALUED), st.data())
def test_the_short_way_agrees_with_the_real_parser(verb: str, options: list[list[str]], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(options)))
    words = [word for group in [*options[:at], [verb], *options[at:]] for word in group]
    short = parse_plain(words)
    assert short is not None
    assert short == parse(words)


@given(
    st.lists(st.sampled_from([*PLAIN, "stop", "--", "-H", "-x", "--json", "--help", "fake", "-H=fake", "--state-dir="]))
)
def test_what_is_not_plain_is_left_to_the_real_parser(words: list[str]) -> None:
    short = parse_plain(words)
    if short is not None:
        assert short == parse(words)
