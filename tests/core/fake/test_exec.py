"""Commands in a fake instance are real processes of this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import CommandTimeout, InvalidInput, NotRunning, OperationFailed

Make = Callable[..., Any]


@pytest.fixture
def web1(fake: Any, instance: Make) -> Any:
    """Runs a command in a running instance."""
    fake.start_instance(instance())
    return lambda *command, **options: fake.exec_in_instance("web1", list(command), **options)


def lives(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_streams_and_status(web1: Any) -> None:
    result = web1("sh", "-c", "cat; echo oops >&2; exit 7", stdin=b"\x00\xff in\n")
    assert (result.exit_status, result.stdout, result.stderr) == (7, b"\x00\xff in\n", b"oops\n")


def test_without_input_the_input_is_empty(web1: Any) -> None:
    assert web1("cat").stdout == b""


def test_much_output_is_not_lost(web1: Any) -> None:
    assert len(web1("head", "-c", "3000000", "/dev/zero").stdout) == 3000000


@pytest.mark.parametrize(
    ("command", "status"),
    [(["true"], 0), (["sh", "-c", "kill -9 $$"], 137), (["no-such-program"], 127), (["/etc/passwd"], 126)],
)
def test_statuses_are_those_of_a_shell(web1: Any, command: list[str], status: int) -> None:
    assert web1(*command).exit_status == status


def test_a_command_runs_as_the_caller_in_the_instances_folder(web1: Any, place: Any) -> None:
    assert web1("pwd").stdout.decode() == f"{place.directory()}/root\n"
    assert web1("id", "-u").stdout.decode() == f"{os.getuid()}\n"
    assert web1("sh", "-c", "echo $HVCORE_INSTANCE").stdout == b"web1\n"
    web1("touch", "file")
    assert (place.directory() / "root" / "file").exists()


def test_the_guests_paths_are_the_machines(web1: Any) -> None:
    assert web1("pwd", working_directory="/usr/bin").stdout == b"/usr/bin\n"
    with pytest.raises(OperationFailed, match="no directory"):
        web1("pwd", working_directory="/no/such/place")


def test_variables_reach_the_command_unsifted(web1: Any) -> None:
    environment = {"PLAIN": "a b\n$c", "with.dot": "1", "-i": "2", "EMPTY": "", "HVCORE_INSTANCE": "mine"}
    found = web1("env", "-0", environment=environment).stdout.decode().split("\0")
    assert {f"{name}={value}" for name, value in environment.items()} <= set(found)


@pytest.mark.parametrize("word", ["-x", "--help", "$HOME", "a b", "", "'", ";", "*", "a=b"])
def test_arguments_reach_the_command_unchanged(web1: Any, word: str) -> None:
    assert web1("printf", "%s.", word, "end").stdout.decode() == f"{word}.end."


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": -1}, "timeout_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"working_directory": "tmp"}, "working_directory"),
        ({"environment": {"A=B": "c"}}, "environment"),
        ({"environment": {"": "c"}}, "environment"),
        ({"environment": {"A": "\0"}}, "environment"),
        ({"attached": True, "timeout_s": 1}, "attached"),
        ({"attached": True, "stdin": b""}, "attached"),
    ],
)
def test_what_cannot_be_met_is_refused(web1: Any, options: dict[str, Any], key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        web1("true", **options)
    assert caught.value.key == key


def test_a_program_that_looks_like_a_variable_is_refused(web1: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        web1("A=b", "true")
    assert caught.value.key == "command"


def test_a_command_that_takes_too_long_is_ended_with_its_children(web1: Any, place: Any) -> None:
    with pytest.raises(CommandTimeout, match=r"^sh did not finish within") as caught:
        web1("sh", "-c", "setsid sleep 600 & echo $! > pid; echo words >&2; sleep 600", timeout_s=1)
    assert caught.value.command[0] == "sh"
    assert caught.value.details == ("words",)
    assert not lives(int((place.directory() / "root" / "pid").read_text()))


def test_an_attached_command_has_the_callers_streams(web1: Any, capfd: pytest.CaptureFixture[str]) -> None:
    result = web1("sh", "-c", "echo out; echo err >&2; pwd; exit 5", attached=True, environment={"A": "b"})
    seen = capfd.readouterr()
    assert (result.exit_status, result.stdout, result.stderr) == (5, b"", b"")
    assert seen.out.startswith("out\n")
    assert seen.out.endswith("/web1/root\n")
    assert seen.err == "err\n"
    assert web1("sh", "-c", "kill -15 $$", attached=True).exit_status == 143


def test_only_an_instance_that_runs_takes_commands(fake: Any, web1: Any, place: Any) -> None:
    fake.pause_instance("web1")
    with pytest.raises(OperationFailed, match="paused"):
        web1("true")
    fake.resume_instance("web1")
    assert web1("true").exit_status == 0
    fake.stop_instance("web1")
    with pytest.raises(NotRunning):
        web1("true")
    assert place.remains() == []


@pytest.mark.parametrize("verb", ["stop_instance", "reboot_instance"])
def test_commands_end_with_the_guest(fake: Any, web1: Any, verb: str) -> None:
    pid = int(web1("sh", "-c", "(setsid sh -c 'trap \"\" TERM HUP; sleep 600; :' >/dev/null 2>&1 & echo $!)").stdout)
    assert lives(pid)
    getattr(fake, verb)("web1")
    assert not lives(pid)


def test_a_state_directory_by_another_name_is_the_same(fake: Any, web1: Any, place: Any, tmp_path: Path) -> None:
    pid = int(web1("sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $!").stdout)
    link = tmp_path / "link"
    link.symlink_to(place.state)
    type(place)(link, place.logs).hypervisor().stop_instance("web1")
    assert not lives(pid)
    assert place.remains() == []


def test_no_command_enters_an_instance_that_is_being_stopped(place: Any, web1: Any, tmp_path: Path) -> None:
    """A stop takes the folder away first; a command that was about to enter it ends without having run."""
    root, never_made = place.directory() / "root", tmp_path / "never-made"
    root.rename(place.directory() / "elsewhere")
    assert web1("touch", str(never_made)).exit_status != 0
    assert not never_made.exists()
    (place.directory() / "elsewhere").rename(root)


def test_an_instance_can_be_stopped_from_inside(web1: Any, fake: Any, place: Any) -> None:
    """The command that stops it is not ended by itself; the shell around it is, as the guest's other processes are."""
    code = (
        "import hvcore; from hvcore.fake.plugin import plugin;"
        f"hvcore.load(state_dir={str(place.state)!r}, log_dir={str(place.logs)!r}, plugins=[plugin], discover=False)"
        ".hypervisor('fake').stop_instance('web1'); print('stopped')"
    )
    result = web1(sys.executable, "-c", code)
    assert (result.exit_status, result.stdout) == (0, b"stopped\n")
    assert place.remains() == []
