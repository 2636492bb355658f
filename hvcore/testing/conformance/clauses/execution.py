"""What commands inside an instance promise; the guest needs a POSIX shell and its usual tools."""

from __future__ import annotations

from typing import Any

from hvcore.errors import CommandTimeout, NotRunning
from hvcore.model.execution import ExecResult
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import allowed, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["ExecClauses"]

_BYTES = b"line\n\0\xff\r\n end"
_MANY = 1 << 20


class ExecClauses:
    """Commands that run in a guest."""

    @clause("The exit status is the command's own.", "exec_in_instance", level=Level.FULL)
    def test_exec_tells_the_status(self, trial: Trial) -> None:
        trial.start()
        for status in (0, 3):
            told = _exec(trial, "sh", "-c", f"exit {status}").exit_status
            ensure(told == status, f"a command that ends with status {status} is told to end with {told}")

    @clause(
        "A command that a signal ended has status 128 and the signal's number.", "exec_in_instance", level=Level.FULL
    )
    def test_exec_tells_the_signal(self, trial: Trial) -> None:
        trial.start()
        told = _exec(trial, "sh", "-c", "kill -9 $$").exit_status
        ensure(told == 128 + 9, f"a command that was killed is told to end with {told}")

    @clause("Output and error output come apart and as they are.", "exec_in_instance", level=Level.FULL)
    def test_exec_tells_both_outputs(self, trial: Trial) -> None:
        trial.start()
        done = _exec(trial, "sh", "-c", "printf 'out \\n'; printf err >&2")
        streams = (done.stdout, done.stderr)
        ensure(streams == (b"out \n", b"err"), f"output and error output are told as {streams}")

    @clause("Long output comes whole.", "exec_in_instance", level=Level.FULL)
    def test_exec_tells_long_output(self, trial: Trial) -> None:
        trial.start()
        got = len(_exec(trial, "head", "-c", str(_MANY), "/dev/zero").stdout)
        ensure(got == _MANY, f"of {_MANY} bytes that a command wrote, {got} came")

    @clause("Input reaches the command byte by byte.", "exec_in_instance", level=Level.FULL)
    def test_exec_feeds_the_input(self, trial: Trial) -> None:
        trial.start()
        got = _exec(trial, "cat", stdin=_BYTES).stdout
        ensure(got == _BYTES, f"of the input {_BYTES!r}, {got!r} came back")

    @clause("Without input the command finds an empty one.", "exec_in_instance", level=Level.FULL)
    def test_exec_without_input(self, trial: Trial) -> None:
        trial.start()
        got = _exec(trial, "cat", timeout_s=trial.patience_s).stdout
        ensure(got == b"", f"a command without input read {got!r}")

    @clause("Variables are set in the command's environment.", "exec_in_instance", level=Level.FULL)
    def test_exec_sets_the_environment(self, trial: Trial) -> None:
        trial.start()
        value = "a 'b' \"c\" $d"
        got = _exec(trial, "sh", "-c", 'printf %s "$HVCORE_TRIAL"', environment={"HVCORE_TRIAL": value}).stdout
        ensure(got == value.encode(), f"the variable {value!r} is {got!r} in the command")

    @clause("A command runs in the working directory that is given.", "exec_in_instance", level=Level.FULL)
    def test_exec_enters_the_directory(self, trial: Trial) -> None:
        trial.start()
        for directory in ("/", "/dev"):
            got = _exec(trial, "pwd", working_directory=directory).stdout.strip()
            ensure(got == directory.encode(), f"the working directory {directory} is {got!r} in the command")

    @clause("Words are passed on as they are; no shell reads them.", "exec_in_instance", level=Level.FULL)
    def test_exec_passes_words(self, trial: Trial) -> None:
        trial.start()
        words = ("a  b", "$(echo c)", "*", "'", "")
        got = _exec(trial, "printf", "<%s>", *words).stdout
        wanted = "".join(f"<{word}>" for word in words).encode()
        ensure(got == wanted, f"the words {words} arrive as {got!r}")

    @clause(
        "A command that does not end in time is ended, and CommandTimeout is raised.",
        "exec_in_instance",
        level=Level.FULL,
    )
    def test_exec_keeps_the_time(self, trial: Trial) -> None:
        trial.start()
        command = ["sleep", str(int(2 * trial.patience_s) + 1)]
        run = trial.hypervisor.exec_in_instance
        what = "a command that takes too long"
        trial.timed(lambda: refused(CommandTimeout, what, run, trial.name, command, timeout_s=0.2), what)

    @clause("A command in what does not run raises NotRunning.", "exec_in_instance", level=Level.FULL)
    def test_exec_in_what_does_not_run(self, trial: Trial) -> None:
        what = "a command in what does not run"
        refused(NotRunning, what, trial.hypervisor.exec_in_instance, trial.name, ["true"])


def _exec(trial: Trial, *command: str, **options: Any) -> ExecResult:
    return allowed(f"the command {command[0]}", trial.hypervisor.exec_in_instance, trial.name, command, **options)
