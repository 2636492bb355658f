"""The door to other programs, with real processes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import CommandFailed, CommandTimeout, InvalidInput, MissingRequirement
from hvcore.system.commands import Completed, Handle, Runner, find_program, run
from hvcore.system.processes import wait_pidfds

WAIT_S = 30


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    before = sorted(os.listdir("/proc/self/fd"))
    yield
    assert sorted(os.listdir("/proc/self/fd")) == before


def python(script: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", script, *map(str, arguments)]


def is_gone(pid: int) -> bool:
    """Wait until a process that is no child of this one has ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(wait_pidfds([pidfd], WAIT_S))
    finally:
        os.close(pidfd)


def pid_of(handle: Handle) -> int:
    fields = Path(f"/proc/self/fdinfo/{handle.pidfd}").read_text().split()
    return int(fields[fields.index("Pid:") + 1])


# What a command leaves.


def test_returns_status_output_and_errors() -> None:
    done = run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_s=WAIT_S, check=False)
    assert (done.status, done.output, done.errors) == (3, b"out\n", b"err\n")
    assert (done.stdout, done.stderr, done.words) == ("out\n", "err\n", ("err",))
    assert done.argv == ("sh", "-c", "echo out; echo err >&2; exit 3")


def test_a_status_that_is_not_zero_is_an_error_with_the_tools_own_words() -> None:
    with pytest.raises(CommandFailed) as caught:
        run(["sh", "-c", "for i in $(seq 30); do echo line $i >&2; done; exit 7"], timeout_s=WAIT_S)
    error = caught.value
    assert error.message == "sh exited with status 7"
    assert (error.status, error.command[0]) == (7, "sh")
    assert error.details == tuple(f"line {number}" for number in range(11, 31))


def test_a_tool_that_failed_in_silence_is_said_to_have() -> None:
    with pytest.raises(CommandFailed) as caught:
        run(["false"], timeout_s=WAIT_S)
    assert caught.value.details == ("(it said nothing)",)


def test_words_on_the_output_count_where_there_are_no_others() -> None:
    assert Completed(("x",), 1, b"why\n", b" \n").words == ("why",)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_a_signal_ended_has_minus_its_number(number: signal.Signals) -> None:
    command = ["sh", "-c", f"kill -{int(number)} $$"]
    assert run(command, timeout_s=WAIT_S, check=False).status == -number
    with pytest.raises(CommandFailed, match=f"sh was ended by signal {int(number)}"):
        run(command, timeout_s=WAIT_S)


def test_output_is_decoded_whatever_it_holds() -> None:
    done = run(["printf", r"a\377b\303\244"], timeout_s=WAIT_S)
    assert done.output == b"a\xffb\xc3\xa4"
    assert done.stdout == "a\ufffdb\xe4"


def test_output_of_any_size_is_taken_whole() -> None:
    size = 3 * 2**20 + 5
    done = run(
        python("import sys; n = int(sys.argv[1]); sys.stdout.write('x' * n); sys.stderr.write('y' * n)", size),
        timeout_s=WAIT_S,
    )
    assert (done.output, done.errors) == (b"x" * size, b"y" * size)


# What a command is given.


def test_input_is_fed_and_is_empty_otherwise() -> None:
    size = 2**20
    assert run(["cat"], timeout_s=WAIT_S, stdin=b"z" * size).output == b"z" * size
    assert run(["cat"], timeout_s=WAIT_S, stdin=b"").output == b""
    assert run(["cat"], timeout_s=WAIT_S).output == b""


def test_tools_speak_one_language_and_are_found_where_administrators_keep_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("KEPT", "yes")
    said = run(["env"], timeout_s=WAIT_S).stdout.splitlines()
    assert "LC_ALL=C.UTF-8" in said
    assert "KEPT=yes" in said
    [path] = [line for line in said if line.startswith("PATH=")]
    assert path.startswith("PATH=/nonexistent:")
    assert path.endswith(":/usr/sbin:/usr/bin:/sbin:/bin")
    monkeypatch.delenv("PATH")
    assert run(["env"], timeout_s=WAIT_S).status == 0


def test_an_environment_that_is_given_is_the_whole_one() -> None:
    assert run(["/usr/bin/env"], timeout_s=WAIT_S, env={"ONLY": "this"}).stdout == "ONLY=this\n"


def test_a_command_has_a_session_of_its_own_and_inherits_only_what_it_is_told_to(tmp_path: Path) -> None:
    with open(tmp_path / "kept", "w") as kept, open(tmp_path / "other", "w") as other:
        os.set_inheritable(other.fileno(), True)
        script = "read -r _ _ _ _ _ session _ </proc/$$/stat; echo $session; echo $$; ls -l /proc/self/fd"
        done = Runner().spawn(["sh", "-c", script], keep_fds=[kept.fileno()]).wait(WAIT_S)
    session, leader, *open_there = done.stdout.split("\n")
    assert session == leader
    assert any(line.endswith(f"-> {tmp_path}/kept") for line in open_there)
    assert not any(line.endswith(f"-> {tmp_path}/other") for line in open_there)


# Time.


def test_a_time_that_is_up_ends_the_whole_process_group(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"trap '' TERM; echo working; sleep 600 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait"
    handle = Runner().spawn(["sh", "-c", script])
    deadline = time.monotonic() + WAIT_S
    while not pids.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(CommandTimeout) as caught:
        handle.wait(0.25)
    error = caught.value
    assert error.message == "sh did not finish within 0.25 s and was ended"
    assert error.status is None
    assert error.details == ("working",)
    assert error.command == ("sh", "-c", script)
    for pid in pids.read_text().split():
        assert is_gone(int(pid))


def test_no_time_at_all_is_a_look() -> None:
    with pytest.raises(CommandTimeout, match="within 0 s"):
        run(["sleep", "600"], timeout_s=0)


def test_a_command_that_leaves_a_daemon_behind_is_not_waited_for_longer(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"setsid sleep 600 & echo $! > {pid_file}; echo started"
    try:
        done = run(["sh", "-c", script], timeout_s=None)
        assert done.output == b"started\n"
        # The daemon is alive, and so a pipe would not have ended.
        os.kill(int(pid_file.read_text()), 0)
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)


def test_what_a_daemon_writes_later_does_not_garble_what_is_read(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    chatter = f"while :; do printf x; done & echo $! > {pid_file}"
    try:
        done = run(["sh", "-c", f"printf 'first line\\n'; {chatter}"], timeout_s=WAIT_S)
        assert done.output.startswith(b"first line\n")
        assert set(done.output.removeprefix(b"first line\n")) <= {ord("x")}
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)


def test_an_interruption_while_waiting_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(pidfds: object, timeout_s: object) -> tuple[int, ...]:
        raise KeyboardInterrupt

    handle = Runner().spawn(["sleep", "600"])
    pid = pid_of(handle)
    monkeypatch.setattr("hvcore.system.commands.wait_pidfds", interrupted)
    with pytest.raises(KeyboardInterrupt):
        handle.wait(None)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


# A command that was started and not waited for.


def test_a_handle_can_be_watched_and_ended() -> None:
    handle = Runner().spawn(["sleep", "600"])
    assert wait_pidfds([handle.pidfd], 0) == ()
    handle.end()
    assert wait_pidfds([handle.pidfd], 0) == (handle.pidfd,)
    handle.end()
    handle.close()
    handle.close()
    assert handle.pidfd == -1


def test_a_handle_tells_of_an_end_that_came_before_the_wait() -> None:
    handle = Runner().spawn(["sh", "-c", "echo done; exit 4"])
    assert wait_pidfds([handle.pidfd], WAIT_S)
    assert handle.wait(0).status == 4


# What cannot be run.


def test_a_program_that_is_missing_says_what_to_do(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    for command in ("no-such-program", str(plain), str(tmp_path), f"{plain}/x"):
        with pytest.raises(MissingRequirement, match="cannot be run: ") as caught:
            run([command, "-x"], timeout_s=WAIT_S)
        error = caught.value
        assert isinstance(error.__cause__, OSError)
        assert command in str(error.resolution)
        assert command in error.details[0]
        assert "-x" in error.details[0]


def test_a_word_with_a_null_character_is_refused() -> None:
    for command in (["true", "a\0b"], ["tr\0ue"]):
        with pytest.raises(InvalidInput, match="null byte"):
            run(command, timeout_s=WAIT_S)


def test_a_node_at_its_limits_is_not_taken_for_a_missing_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*args: Any, **kwargs: Any) -> Any:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", no_memory)
        with pytest.raises(CommandFailed, match="true cannot be run: Cannot allocate memory") as caught:
            run(["true"], timeout_s=WAIT_S)
    assert "limits" in str(caught.value.resolution)
    with monkeypatch.context() as patched:
        patched.setattr(os, "memfd_create", no_memory)
        with pytest.raises(CommandFailed, match="true cannot be run"):
            run(["true"], timeout_s=WAIT_S)


def test_a_command_that_cannot_be_watched_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def no_descriptors(pid: int, flags: int = 0) -> int:
        started.append(pid)
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pidfd_open", no_descriptors)
        with pytest.raises(CommandFailed, match="sleep cannot be run: Too many open files"):
            Runner().spawn(["sleep", "600"])
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


# A command on the caller's own streams.


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 9", 9), ("kill -9 $$", -9)])
def test_an_attached_command_returns_its_status(script: str, status: int) -> None:
    assert Runner().attach(["sh", "-c", script]) == status


def test_an_attached_command_has_the_callers_streams(capfd: pytest.CaptureFixture[str]) -> None:
    Runner().attach(["sh", "-c", "echo here; echo there >&2"])
    assert capfd.readouterr() == ("here\n", "there\n")


def test_an_attached_program_that_is_missing_says_what_to_do() -> None:
    with pytest.raises(MissingRequirement, match="no-such-program cannot be run") as caught:
        Runner().attach(["no-such-program"])
    assert caught.value.resolution


def test_the_module_and_the_object_are_one_door(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[Any, ...]] = []

    def wait(handle: Handle, timeout_s: float | None) -> Completed:
        given.append((handle.argv, timeout_s))
        handle.end()
        handle.close()
        return Completed(handle.argv, 0)

    monkeypatch.setattr(Handle, "wait", wait)
    door: Callable[..., Completed]
    for door in (run, Runner().run):
        assert door(["true"], timeout_s=2.5).status == 0
    assert given == [(("true",), 2.5)] * 2


def test_a_program_is_found_where_it_would_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "env"
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("env") == str(tool)
    assert Runner().run(["env"], timeout_s=WAIT_S).stdout == "mine\n"
    tool.unlink()
    # Not in PATH, but in a standard directory.
    found = find_program("env")
    assert found is not None
    assert Runner().run(["env", "true"], timeout_s=WAIT_S).status == 0
    monkeypatch.delenv("PATH")
    assert find_program("env") == found
    assert find_program("no-such-program") is None
