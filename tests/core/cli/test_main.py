"""The frame around every verb: exit statuses, errors as words and as JSON, and no traceback for a user's mistake."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.cli import inventory
from hvcore.cli.main import main
from hvcore.cli.verbs import Command, no_arguments
from hvcore.errors import HypervisorError
from hvcore.plugin import BaseHypervisor, hookimpl
from hvcore.system.locks import InstanceLocks


def replace_list(monkeypatch: pytest.MonkeyPatch, failure: BaseException) -> None:
    def fail(*_: object) -> int:
        raise failure

    monkeypatch.setitem(inventory.COMMANDS, "list", Command(no_arguments, fail))


class Bare(BaseHypervisor):
    """Supports nothing but what its base does."""

    @hookimpl
    def get_instance_definition(self, instance_name: str) -> hvcore.Instance | None:
        return hvcore.Instance(instance_name, "bare")


def test_status_0_for_what_is_done(hv: Any) -> None:
    assert hv("list").status == 0


def test_status_1_for_an_operation_that_failed(hv: Any, instance_file: Any) -> None:
    outcome = hv("start", instance_file(parameters='fail_step = "boot"'))
    assert outcome.status == 1
    assert "injected failure" in outcome.err
    assert "failed step: boot" in outcome.err
    assert "undone: " in outcome.err
    assert "what to do: " in outcome.err
    assert "code: operation" in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("lst",),
        ("list", "web1"),
        ("stop",),
        ("stop", "web1", "--timeout", "-1"),
        ("stop", "../escape"),
        ("balloon", "web1", "1_0"),
        ("start", "/nonexistent.toml"),
        ("list", "-H", "nosuch"),
        ("exec", "web1"),
        ("exec", "web1", "--env", "novalue", "--", "true"),
        ("completion", "tcsh"),
        ("hooks", "no_such_hook"),
        ("list", "--state-dir"),
    ],
)
def test_status_2_for_bad_usage_and_input(hv: Any, words: tuple[str, ...]) -> None:
    outcome = hv(*words)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith("hv: ")
    assert "what to do: " in outcome.err
    in_json = hv("--json", *words)
    assert in_json.status == 2
    assert in_json.error["code"] in {"input", "hypervisor.unknown"}


def test_status_3_for_what_a_hypervisor_does_not_support(hv: Any, only: Any) -> None:
    only(bare=Bare)
    outcome = hv("reboot", "-H", "bare", "web1")
    assert outcome.status == 3
    assert "bare does not support reboot_instance" in outcome.err
    assert hv("--json", "reboot", "-H", "bare", "web1").error["code"] == "unsupported"


@pytest.mark.parametrize("verb", ["stop", "reboot", "pause", "resume", "info", "console"])
@pytest.mark.parametrize("named", [(), ("-H", "fake")], ids=["anywhere", "of one hypervisor"])
def test_status_4_for_an_unknown_instance(hv: Any, verb: str, named: tuple[str, ...]) -> None:
    outcome = hv(verb, "nosuch", *named)
    assert outcome.status == 4
    assert "'nosuch'" in outcome.err
    error = hv("--json", verb, "nosuch", *named).error
    assert (error["code"], error["instance"]) == ("instance.not-found", "nosuch")


def test_status_4_for_a_command_in_an_unknown_instance(hv: Any) -> None:
    assert hv("exec", "nosuch", "--", "true").status == 4
    assert hv("balloon", "nosuch", "64").status == 4


def test_status_5_for_a_busy_instance(hv: Any, started: Any, environment: Path) -> None:
    name = started()
    locks = InstanceLocks(environment / "state" / ".locks" / "fake", "fake")
    with locks.hold(name, "reboot_instance"):
        outcome = hv("stop", name)
        error = hv("--json", "stop", name).error
    assert outcome.status == 5
    assert f"process {os.getpid()} (reboot_instance)" in outcome.err
    assert error["code"] == "instance.busy"


def test_an_error_in_json_is_one_object_on_stdout(hv: Any, instance_file: Any) -> None:
    error = hv("start", "--json", instance_file(parameters='fail_step = "boot"')).error
    assert error["message"] == "injected failure"
    assert error["hypervisor"] == "fake"
    assert error["instance"] == "web1"
    assert error["operation"] == "start_instance"
    assert error["step"] == "boot"
    assert error["undone"]
    assert error["left_behind"] == []


def test_json_after_two_dashes_belongs_to_the_command(hv: Any) -> None:
    outcome = hv("exec", "nosuch", "--", "tool", "--json")
    assert outcome.out == ""
    assert outcome.err.startswith("hv: ")


def test_debug_shows_the_traceback_beside_the_explanation(hv: Any) -> None:
    outcome = hv("info", "nosuch", "--debug")
    assert outcome.status == 4
    assert "Traceback (most recent call last)" in outcome.err
    assert "hv: nosuch: there is no instance 'nosuch'" in outcome.err


def test_a_fault_of_the_program_is_told_without_a_traceback(hv: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_list(monkeypatch, ZeroDivisionError("by\nzero"))
    outcome = hv("list")
    assert outcome.status == 1
    assert "unforeseen ZeroDivisionError: by zero" in outcome.err
    assert "--debug" in outcome.err
    assert hv("list", "--json").error["code"] == "failed"
    assert "Traceback" in hv("list", "--debug").err


def test_an_error_of_the_system_names_the_file(hv: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_list(monkeypatch, PermissionError(13, "Permission denied", "/run/hvcore"))
    outcome = hv("list")
    assert outcome.status == 1
    assert "/run/hvcore: Permission denied" in outcome.err
    assert "code: operation.state" in outcome.err


def test_an_interruption_is_130_and_quiet(hv: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_list(monkeypatch, KeyboardInterrupt())
    outcome = hv("list")
    assert (outcome.status, outcome.err) == (130, "hv: interrupted\n")


def test_words_of_a_guest_cannot_steer_the_terminal(hv: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_list(monkeypatch, HypervisorError("it failed", details=["\x1b[2Jgone\x07"]))
    assert "\x1b" not in hv("list").err
    assert "\\x1b[2Jgone\\x07" in hv("list").err


def test_nobody_reading_the_output_is_no_error(environment: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-W", "error", "-m", "hvcore.cli.main", "hooks"]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b""


def test_output_in_an_encoding_that_lacks_a_letter_is_escaped(run_hv: Any, instance_file: Any, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('name = "web1"\nhypervisor = "fake"\n"kluft\u00e4" = 1\n')
    outcome = run_hv("start", str(file), PYTHONIOENCODING="ascii")
    assert outcome.status == 2
    assert "kluft\\xe4" in outcome.err


def test_version(hv: Any) -> None:
    for words in (("--version",), ("list", "--version")):
        outcome = hv(*words)
        assert (outcome.status, outcome.out) == (0, f"hv {hvcore.__version__}\n")


def test_an_interrupted_process_leaves_nothing_half_done(environment: Path, instance_file: Any) -> None:
    file = instance_file(parameters="start_delay_s = 3600")
    with subprocess.Popen(
        [sys.executable, "-m", "hvcore.cli.main", "start", file], stderr=subprocess.PIPE, process_group=0
    ) as process:
        journal = environment / "state" / "fake" / "web1" / "journal"
        while "boot" not in (journal.read_text() if journal.exists() else ""):
            assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert not journal.parent.exists()


def test_main_takes_the_words_of_the_process(
    hv: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["hv", "list"])
    assert main() == 0
    assert capfd.readouterr().out == "no instance runs\n"
