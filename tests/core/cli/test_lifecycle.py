"""The verbs that change an instance, on the embedded hypervisor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hvcore


def info_of(hv: Any, name: str = "web1") -> Any:
    return hv("info", name, "--json").json


def test_a_whole_life(hv: Any, instance_file: Any) -> None:
    outcome = hv("start", instance_file())
    assert outcome.status == 0
    assert outcome.out.startswith("web1: start done on fake, running (")
    assert info_of(hv)["state"] == "running"
    assert hv("pause", "web1").out.startswith("web1: pause done on fake, paused (")
    assert info_of(hv)["state"] == "paused"
    assert hv("resume", "web1").out.startswith("web1: resume done on fake, running (")
    assert info_of(hv)["state"] == "running"
    assert hv("balloon", "web1", "96").out.startswith("web1: balloon done on fake, now 96 MiB (")
    assert info_of(hv)["memory_mib"] == 96
    assert hv("reboot", "web1").out.startswith("web1: reboot done on fake, running (")
    assert hv("stop", "web1").out.startswith("web1: stop done on fake, shutdown (")
    assert hv("list", "--json").json == []


@pytest.mark.parametrize(
    ("words", "state", "more"),
    [
        (("pause", "web1"), "paused", {}),
        (("resume", "web1"), "running", {}),
        (("reboot", "web1"), "running", {}),
        (("balloon", "web1", "48"), "running", {"memory_mib": 48}),
        (("stop", "web1", "--timeout", "5"), "shutdown", {}),
        (("stop", "web1", "--force"), "shutdown", {}),
    ],
)
def test_every_one_says_in_json_what_is_done(hv: Any, started: Any, words: Any, state: str, more: Any) -> None:
    started()
    outcome = hv(*words, "--json")
    assert outcome.status == 0
    told = outcome.json
    assert told.pop("seconds") >= 0
    assert told == {"verb": words[0], "name": "web1", "hypervisor": "fake", "state": state, **more}


def test_start_says_in_json_what_is_done(hv: Any, instance_file: Any) -> None:
    told = hv("start", "--json", "--paused", instance_file()).json
    assert told.pop("seconds") >= 0
    assert told == {"verb": "start", "name": "web1", "hypervisor": "fake", "state": "paused"}
    assert info_of(hv)["state"] == "paused"


def test_a_second_start_is_refused(hv: Any, started: Any, instance_file: Any) -> None:
    started()
    outcome = hv("start", instance_file())
    assert outcome.status == 1
    assert "runs already" in outcome.err


def test_a_stopped_instance_is_not_known_any_more(hv: Any, started: Any) -> None:
    started()
    assert hv("stop", "web1").status == 0
    assert hv("stop", "web1").status == 4


def test_a_guest_that_does_not_shut_down_in_time_still_runs(hv: Any, started: Any) -> None:
    started(parameters="refuses_shutdown = true")
    outcome = hv("stop", "web1", "--timeout", "0")
    assert outcome.status == 1
    assert "code: operation.stop-timeout" in outcome.err
    assert info_of(hv)["state"] == "running"
    assert hv("stop", "web1", "--force").status == 0


def test_cleanup_may_run_any_number_of_times(hv: Any, started: Any, environment: Path) -> None:
    started()
    assert hv("cleanup", "web1").status == 1  # it runs
    assert hv("stop", "web1").status == 0
    (environment / "state" / "fake" / "web1").mkdir()  # what a killed manager could leave
    assert hv("cleanup", "web1").out.startswith("web1: cleanup done on fake, shutdown (")
    assert not (environment / "state" / "fake" / "web1").exists()
    outcome = hv("cleanup", "web1")
    assert (outcome.status, outcome.out) == (0, "web1: there is nothing to clean up\n")
    assert hv("cleanup", "-H", "fake", "web1").status == 0
    told = hv("cleanup", "--json", "web1").json
    assert told == {"verb": "cleanup", "name": "web1", "hypervisor": None, "state": "shutdown", "seconds": 0.0}


def test_cleanup_still_refuses_what_is_no_name(hv: Any) -> None:
    assert hv("cleanup", "../web1").status == 2


def test_the_option_names_the_hypervisor_of_a_file_that_does_not(hv: Any, instance_file: Any) -> None:
    file = instance_file(head="")
    outcome = hv("start", file)
    assert outcome.status == 2
    assert "hypervisor is missing" in outcome.err
    assert hv("start", "-H", "fake", file).status == 0
    assert info_of(hv)["hypervisor"] == "fake"


def test_a_file_of_another_hypervisor_is_refused_with_its_line(hv: Any, instance_file: Any) -> None:
    file = instance_file(head='hypervisor = "other"')
    outcome = hv("start", "-H", "fake", file, "--json")
    assert outcome.status == 2
    assert (outcome.error["file"], outcome.error["line"], outcome.error["key"]) == (file, 2, "hypervisor")
    assert hv("start", file).status == 2  # not installed


def test_lines_are_the_users_own_when_the_hypervisor_is_put_in_front(hv: Any, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('\ufeffname = "web1"\n[backend]\nmemory_mib = 0\n')
    error = hv("start", "-H", "fake", str(file), "--json").error
    assert (error["file"], error["line"], error["key"]) == (str(file), 3, "backend.memory_mib")


@pytest.mark.parametrize(
    ("parameters", "line", "key"),
    [
        ("start_delay_s = -1", 6, "start_delay_s"),
        ("start_delay_s = 1\nno_such_parameter = 2", 7, "no_such_parameter"),
        ("stop_delay_s = 'soon'", 6, "stop_delay_s"),
    ],
)
def test_a_bad_parameter_is_refused_with_file_and_line(
    hv: Any, instance_file: Any, parameters: str, line: int, key: str
) -> None:
    file = instance_file(parameters=parameters)
    for verb in ("start", "plan"):
        outcome = hv(verb, file)
        assert outcome.status == 2
        assert f"{file}:{line}: " in outcome.err
        error = hv(verb, file, "--json").error
        assert (error["file"], error["line"]) == (file, line)
        assert error["key"].endswith(key)


def test_a_bad_file_is_refused_with_line_and_key(hv: Any, instance_file: Any) -> None:
    file = instance_file(memory='"much"')
    outcome = hv("start", file)
    assert outcome.status == 2
    assert f"{file}:4: backend.memory_mib" in outcome.err


def test_nothing_is_left_of_a_start_that_failed(hv: Any, instance_file: Any, environment: Path) -> None:
    assert hv("start", instance_file(parameters='fail_step = "boot"')).status == 1
    assert hv("list", "--json").json == []
    assert not (environment / "state" / "fake" / "web1").exists()


def test_the_directories_may_be_given_as_options(hv: Any, instance_file: Any, tmp_path: Path) -> None:
    state, log = tmp_path / "other-state", tmp_path / "other-log"
    places = ("--state-dir", str(state), "--log-dir", str(log))
    assert hv("start", instance_file("elsewhere"), *places).status == 0
    try:
        assert (state / "fake" / "elsewhere").is_dir()
        assert any((log / "fake").iterdir())
        assert hv("list", "--json").json == []
        assert [found["name"] for found in hv(*places, "list", "--json").json] == ["elsewhere"]
    finally:
        hvcore.load(state_dir=state, log_dir=log).hypervisor("fake").stop_instance("elsewhere", force=True)
