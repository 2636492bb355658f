"""``exec``: streams, status, environment and time."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def instance(started: Any) -> None:
    started()


def sh(script: str) -> tuple[str, ...]:
    return ("--", "sh", "-c", script)


def test_streams_pass_through(run_hv: Any) -> None:
    outcome = run_hv("exec", "web1", *sh("cat; echo oops >&2"), stdin=b"from outside\n")
    assert (outcome.status, outcome.out, outcome.err) == (0, "from outside\n", "oops\n")


def test_the_status_is_the_commands_own(hv: Any) -> None:
    assert hv("exec", "web1", *sh("exit 42")).status == 42
    assert hv("exec", "web1", "--timeout", "30", *sh("exit 42")).status == 42
    assert hv("exec", "web1", *sh("kill -9 $$")).status == 137


def test_environment_and_directory(hv: Any) -> None:
    outcome = hv("exec", "web1", "--env", "A=b c", "--env", "D=", "--cwd", "/tmp", *sh('echo "$A" "[$D]"; pwd'))
    assert outcome.out == "b c []\n/tmp\n"


def test_options_after_two_dashes_are_the_commands(hv: Any) -> None:
    assert hv("exec", "web1", "--", "echo", "--json", "-H", "--").out == "--json -H --\n"


def test_what_it_writes_within_a_time_limit_is_passed_on_byte_for_byte(run_hv: Any) -> None:
    outcome = run_hv("exec", "web1", "--timeout", "30", *sh(r"printf 'a\r\nb'; printf 'c\n' >&2; cat"), stdin=b"unread")
    assert (outcome.status, outcome.out, outcome.err) == (0, "a\r\nb", "c\n")


def test_a_command_that_takes_too_long_is_ended(hv: Any) -> None:
    outcome = hv("exec", "web1", "--timeout", "0.05", "--", "sleep", "3600")
    assert outcome.status == 1
    assert "code: operation.command.timeout" in outcome.err


def test_the_result_in_json(hv: Any) -> None:
    outcome = hv("exec", "--json", "web1", *sh("echo out; echo err >&2; cat; exit 3"))
    assert outcome.status == 3
    assert outcome.json == {"exit_status": 3, "stdout": "out\n", "stderr": "err\n"}
    assert outcome.err == ""


def test_a_terminal_stays_a_terminal(on_terminal: Any) -> None:
    assert "it is one" in on_terminal("exec", "web1", *sh("test -t 0 && test -t 1 && echo it is one")).out


@pytest.mark.parametrize("words", [(), ("--",)])
def test_a_command_is_needed(hv: Any, words: tuple[str, ...]) -> None:
    outcome = hv("exec", "web1", *words)
    assert outcome.status == 2
    assert "no command was given" in outcome.err


def test_a_relative_directory_is_refused(hv: Any) -> None:
    assert hv("exec", "web1", "--cwd", "tmp", "--", "true").status == 2
