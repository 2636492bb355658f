"""The scripted runner, beside the real one wherever the two can be compared."""

from __future__ import annotations

import errno
import inspect
import os
import select
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import CommandFailed, CommandTimeout, HypervisorError, InvalidInput, MissingRequirement
from hvcore.system.commands import Handle, Runner
from hvcore.testing.commands import Call, FakeHandle, FakeRunner, Reply, starting_with


def methods_of(kind: type) -> dict[str, Any]:
    return {name: thing for name, thing in vars(kind).items() if not name.startswith("_") and callable(thing)}


@pytest.mark.parametrize(("real", "fake"), [(Runner, FakeRunner), (Handle, FakeHandle)])
def test_every_method_of_the_real_one_has_the_same_signature(real: type, fake: type) -> None:
    for name, method in methods_of(real).items():
        ours = inspect.signature(methods_of(fake)[name])
        theirs = inspect.signature(method)
        assert ours.parameters == theirs.parameters, name
        assert str(ours.return_annotation) in {theirs.return_annotation, "FakeHandle"}


# -- answers


def test_answers_by_all_words_by_the_first_ones_and_by_a_function() -> None:
    runner = FakeRunner()
    runner.answer(["lxc-start", "--version"], Reply("5.0.2\n"))
    runner.answer(starting_with("ip", "link"), Reply("links\n"))
    runner.answer(lambda argv: argv[0].endswith("fs"), Reply("made\n"))
    said = [
        runner.run(words.split(), timeout_s=1).stdout
        for words in ("lxc-start --version", "ip link", "ip link delete x", "mkfs")
    ]
    assert said == ["5.0.2\n", "links\n", "links\n", "made\n"]


def test_the_last_pattern_that_was_given_wins() -> None:
    runner = FakeRunner().answer(starting_with("ip"), Reply("any")).answer(["ip", "link"], Reply("one"))
    assert runner.run(["ip", "link"], timeout_s=1).stdout == "one"
    assert runner.run(["ip", "address"], timeout_s=1).stdout == "any"


def test_answers_in_turn_and_the_last_one_for_ever() -> None:
    runner = FakeRunner().answer(["try"], Reply(status=1), Reply("done"))
    assert [runner.run(["try"], timeout_s=1, check=False).status for _ in range(3)] == [1, 0, 0]


def test_an_answer_that_is_decided_when_the_command_is_run() -> None:
    runner = FakeRunner().answer(["cat"], lambda call: Reply(call.stdin or b""))
    assert runner.run(["cat"], timeout_s=1, stdin=b"echo").output == b"echo"


def test_a_default_for_every_other_command() -> None:
    runner = FakeRunner(default=Reply("whatever")).answer(["ls"])
    assert runner.run(["ls"], timeout_s=1).output == b""
    assert runner.run(["true"], timeout_s=1).stdout == "whatever"
    runner.check()


def test_one_word_is_no_pattern() -> None:
    with pytest.raises(TypeError, match="a list of words"):
        FakeRunner().answer("mount")


def is_shouted(argv: tuple[str, ...]) -> bool:
    return argv[0].isupper()


def test_an_unexpected_command_is_shown_with_what_was_expected() -> None:
    runner = FakeRunner().answer(["a", "b"]).answer(starting_with("c")).answer(is_shouted)
    for act in (lambda: runner.run(["x", "y"], timeout_s=1), lambda: runner.spawn(["x", "y"])):
        with pytest.raises(AssertionError) as caught:
            act()
        lines = str(caught.value).splitlines()
        assert lines[:2] == ["unexpected command: x y", "expected:"]
        assert lines[2:] == ["  whatever is_shouted takes", "  c ...", "  a b"]


def test_an_unexpected_command_that_was_swallowed_is_told_in_the_end() -> None:
    runner = FakeRunner()
    runner.check()
    with pytest.raises(AssertionError):
        runner.attach(["x"])
    with pytest.raises(AssertionError, match="unexpected command: x\nexpected:\n  none"):
        runner.check()


# -- what is recorded


def test_every_call_is_recorded() -> None:
    runner = FakeRunner(default=Reply())
    runner.run(["a"], timeout_s=3, stdin=b"in", env={"A": "1"})
    runner.run(["b"], timeout_s=None, check=False)
    handle = runner.spawn(["c"], stdin=b"x", keep_fds=[7])
    assert runner.calls[-1] == Call("spawn", ("c",), b"x", keep_fds=(7,))
    handle.wait(9)
    runner.attach(["d"])
    assert runner.calls == [
        Call("run", ("a",), b"in", 3, True, {"A": "1"}),
        Call("run", ("b",)),
        Call("spawn", ("c",), b"x", 9, keep_fds=(7,)),
        Call("attach", ("d",)),
    ]
    assert runner.commands == (("a",), ("b",), ("c",), ("d",))


# -- errors, as the real runner makes them


def told(act: Callable[[], object]) -> HypervisorError:
    with pytest.raises(HypervisorError) as caught:
        act()
    return caught.value


@pytest.fixture
def not_executable(tmp_path: Path) -> str:
    file = tmp_path / "data"
    file.write_text("no program")
    return str(file)


@pytest.mark.parametrize(
    ("argv", "reply", "kind"),
    [
        (["sh", "-c", "echo why >&2; exit 3"], Reply(errors="why\n", status=3), CommandFailed),
        (["sh", "-c", "echo out; exit 4"], Reply("out\n", status=4), CommandFailed),
        (["sh", "-c", "exit 5"], Reply(status=5), CommandFailed),
        (["sh", "-c", "kill -TERM $$"], Reply.killed(signal.SIGTERM), CommandFailed),
        (["sh", "-c", "echo soon >&2; exec sleep 60"], Reply.hanging(errors="soon\n"), CommandTimeout),
        (["no-such-program", "-x"], Reply.missing(), MissingRequirement),
        (["NOT EXECUTABLE"], Reply(refused=errno.EACCES), MissingRequirement),
        (["a\0b"], Reply(), InvalidInput),
    ],
)
def test_errors_are_those_of_the_real_runner(
    argv: list[str], reply: Reply, kind: type[HypervisorError], not_executable: str
) -> None:
    argv = [word.replace("NOT EXECUTABLE", not_executable) for word in argv]
    timeout_s = 0.3 if kind is CommandTimeout else 60
    real = told(lambda: Runner().run(argv, timeout_s=timeout_s))
    fake = told(lambda: FakeRunner(default=reply).run(argv, timeout_s=timeout_s))
    assert type(fake) is type(real) is kind
    assert fake.to_dict() == real.to_dict()


def test_without_check_a_status_is_no_error() -> None:
    runner = FakeRunner(default=Reply(status=-9))
    assert runner.run(["x"], timeout_s=1, check=False).status == -9
    assert runner.attach(["x"]) == -9


def test_a_missing_program_is_no_error_of_the_command() -> None:
    runner = FakeRunner(default=Reply.missing())
    for act in (lambda: runner.run(["x"], timeout_s=1, check=False), lambda: runner.spawn(["x"])):
        assert isinstance(told(act), MissingRequirement)
    assert isinstance(told(lambda: runner.attach(["x"])), MissingRequirement)


def test_a_kernel_without_memory_is_told_from_a_missing_program() -> None:
    error = told(lambda: FakeRunner(default=Reply(refused=errno.ENOMEM)).run(["x"], timeout_s=1))
    assert isinstance(error, CommandFailed)
    assert "Cannot allocate memory" in error.message


@pytest.mark.parametrize(("takes_s", "ends"), [(5, True), (10, True), (10.5, False)])
def test_a_command_that_takes_its_time_is_not_waited_for(takes_s: float, ends: bool) -> None:
    runner = FakeRunner(default=Reply("done", takes_s=takes_s))
    if ends:
        assert runner.run(["x"], timeout_s=10).stdout == "done"
    else:
        assert isinstance(told(lambda: runner.run(["x"], timeout_s=10)), CommandTimeout)


def test_waiting_for_ever_for_what_never_ends_is_a_mistake() -> None:
    runner = FakeRunner(default=Reply.hanging())
    for act in (lambda: runner.run(["x"], timeout_s=None), lambda: runner.attach(["x"])):
        with pytest.raises(AssertionError, match="hangs, and nothing bounds the wait"):
            act()


# -- spawned commands


def is_readable(descriptor: int) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def test_a_spawned_command_can_be_polled_for_its_end() -> None:
    ended = FakeRunner(default=Reply("out")).spawn(["x"])
    assert is_readable(ended.pidfd)
    ended.end()
    assert ended.wait(1).status == 0
    assert ended.pidfd == -1
    ended.close()


def test_a_spawned_command_that_hangs_can_be_ended() -> None:
    handle = FakeRunner(default=Reply.hanging("so far")).spawn(["x"])
    assert not is_readable(handle.pidfd)
    handle.end()
    assert is_readable(handle.pidfd)
    done = handle.wait(None)
    assert (done.status, done.stdout) == (-signal.SIGKILL, "so far")


def test_a_spawned_command_that_hangs_times_out() -> None:
    handle = FakeRunner(default=Reply.hanging()).spawn(["x"])
    assert isinstance(told(lambda: handle.wait(2)), CommandTimeout)
    assert handle.pidfd == -1


def test_no_descriptor_stays_open() -> None:
    before = os.listdir("/proc/self/fd")
    runner = FakeRunner(default=Reply())
    for _ in range(3):
        runner.run(["x"], timeout_s=1)
        runner.spawn(["x"]).close()
    assert os.listdir("/proc/self/fd") == before


# -- the n-th command


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Reply(errors="no\n", status=1), CommandFailed),
        (Reply.hanging(), CommandTimeout),
        (Reply.missing(), MissingRequirement),
        (Reply.killed(), CommandFailed),
    ],
)
def test_the_nth_command_fails(fault: Reply, kind: type[HypervisorError]) -> None:
    runner = FakeRunner(default=Reply("fine")).fail_at(2, fault)
    assert runner.run(["a"], timeout_s=1).stdout == "fine"
    assert type(told(lambda: runner.run(["b"], timeout_s=1))) is kind
    assert runner.run(["c"], timeout_s=1).stdout == "fine"
    runner.check()


def test_a_fault_says_so_when_nothing_else_is_said() -> None:
    error = told(lambda: FakeRunner(default=Reply()).fail_at(1).run(["a"], timeout_s=1))
    assert error.details == ("injected failure",)


def test_commands_of_every_method_count() -> None:
    runner = FakeRunner(default=Reply()).fail_at(3, Reply.missing())
    runner.spawn(["a"]).close()
    runner.attach(["b"])
    assert isinstance(told(lambda: runner.attach(["c"])), MissingRequirement)


def test_a_fault_that_was_never_reached_is_told() -> None:
    runner = FakeRunner(default=Reply()).fail_at(2)
    runner.run(["a"], timeout_s=1)
    with pytest.raises(AssertionError, match="command 2 was to fail, and only 1 were run"):
        runner.check()


def test_a_fault_does_not_hide_an_unexpected_command() -> None:
    with pytest.raises(AssertionError, match="unexpected command: a"):
        FakeRunner().fail_at(1).run(["a"], timeout_s=1)


def test_commands_are_counted_from_1() -> None:
    with pytest.raises(ValueError, match="counted from 1"):
        FakeRunner().fail_at(0)
