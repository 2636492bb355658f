r"""A scripted door to other programs: a test says what commands answer, and sees which were run.

Nothing is started. The errors are made by the code that makes those of the real ``Runner``, so a driver cannot tell the
difference::

    runner = FakeRunner()
    runner.answer(["lxc-start", "--version"], Reply("5.0.2\n"))
    runner.answer(starting_with("mount"), Reply(errors="mount: wrong fs type\n", status=32))
    runner.fail_at(2, Reply.hanging())
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from attrs import evolve, frozen

from hvcore.system.commands import Completed, Handle, Runner, cannot_run, timed_out
from hvcore.testing.replies import Reply

__all__ = ["Call", "FakeHandle", "FakeRunner", "Pattern", "Reply", "starting_with"]

Pattern: TypeAlias = Sequence[str] | Callable[[tuple[str, ...]], bool]
"""Which commands are meant: all words of one, or a function that is given them and tells."""

Script: TypeAlias = Reply | Callable[["Call"], Reply]
"""What such a command does, or a function that decides so when it is run."""

_ANY_FAULT = Reply(errors="injected failure\n", status=1)


@frozen
class Call:
    """One command that was run.

    Attributes:
        method: the runner's method: ``run``, ``spawn`` or ``attach``.
        argv: the program and its arguments.
        stdin: what it was fed.
        timeout_s: the seconds it was given, None for no bound; of a spawned command, those that its last ``wait`` was given.
        check: whether an exit status that is not zero was to be an error.
        env: its whole environment, or None for the caller's.
        keep_fds: the descriptors that it inherits.
    """

    method: Literal["run", "spawn", "attach"]
    argv: tuple[str, ...]
    stdin: bytes | None = None
    timeout_s: float | None = None
    check: bool = False
    env: Mapping[str, str] | None = None
    keep_fds: tuple[int, ...] = ()


@frozen
class _Prefix:
    words: tuple[str, ...]

    def __call__(self, argv: tuple[str, ...]) -> bool:
        return argv[: len(self.words)] == self.words


def starting_with(*words: str) -> Callable[[tuple[str, ...]], bool]:
    """Return a pattern of every command that begins with some words; without any, of all commands."""
    return _Prefix(words)


class _Answer:
    """A pattern, and what is still to be said to those that it matches."""

    def __init__(self, pattern: Pattern, scripts: Sequence[Script]) -> None:
        self._pattern = pattern if callable(pattern) else tuple(pattern)
        self._scripts = list(scripts)

    def matches(self, argv: tuple[str, ...]) -> bool:
        return self._pattern(argv) if callable(self._pattern) else argv == self._pattern

    def next(self, call: Call) -> Reply:
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        return script if isinstance(script, Reply) else script(call)

    def __str__(self) -> str:
        if isinstance(self._pattern, _Prefix):
            return " ".join((*self._pattern.words, "..."))
        if callable(self._pattern):
            return f"whatever {getattr(self._pattern, '__qualname__', self._pattern)} takes"
        return " ".join(self._pattern)


class FakeHandle(Handle):
    """A scripted command that was started and not yet waited for.

    Its ``pidfd`` can be polled as a real one: it is readable once the command has ended, which one that hangs never does.

    Args:
        argv: the program and its arguments.
        reply: what it does.
        waited: told the seconds that ``wait`` was given.
    """

    def __init__(self, argv: tuple[str, ...], reply: Reply, waited: Callable[[float | None], None]) -> None:
        self.argv = argv
        self._reply = reply
        self._waited = waited
        self.pidfd = os.eventfd(0 if reply.takes_s == float("inf") else 1, os.EFD_CLOEXEC)

    def wait(self, timeout_s: float | None) -> Completed:
        """Return what the command left, at once; see ``Handle.wait``.

        Raises:
            CommandTimeout: it takes longer than it was given.
            AssertionError: it hangs and was given no bound, so that the real one would be waited for for ever.
        """
        self._waited(timeout_s)
        try:
            if self._reply.takes_s > (float("inf") if timeout_s is None else timeout_s):
                self.end()
                raise timed_out(self._completed(), timeout_s or 0.0)
            if self._reply.takes_s == float("inf"):
                raise AssertionError(f"{' '.join(self.argv)!r} hangs, and nothing bounds the wait for it")
            return self._completed()
        finally:
            self.close()

    def end(self) -> None:
        """End the command, unless it has ended."""
        if self._reply.takes_s > 0:
            self._reply = evolve(self._reply, status=-signal.SIGKILL, takes_s=0.0)
            os.eventfd_write(self.pidfd, 1)

    def close(self) -> None:
        """Release the descriptor."""
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1

    def _completed(self) -> Completed:
        return Completed(self.argv, self._reply.status, self._reply.output, self._reply.errors)


class FakeRunner(Runner):
    """A runner that starts nothing, and answers as a test says.

    A command that nobody expects is an AssertionError. A driver's operation may turn that into an error of its own, so end a
    test with ``check``, which raises it again; the fixture ``fake_runner`` does.

    Args:
        default: what every command does that has no answer; None expects none.
    """

    def __init__(self, default: Script | None = None) -> None:
        self.calls: list[Call] = []
        self.unexpected: list[tuple[str, ...]] = []
        self._answers: list[_Answer] = []
        self._default = None if default is None else _Answer(starting_with(), [default])
        self._faults: dict[int, Reply] = {}

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """The words of every command that was run, in order."""
        return tuple(call.argv for call in self.calls)

    def answer(self, pattern: Pattern, *scripts: Script) -> FakeRunner:
        """Say what commands do; of several patterns that match, the one that was given last counts.

        Args:
            pattern: all words of a command, ``starting_with`` some, or a function of the words.
            scripts: what the first, the second, ... such command does; the last one holds for all further ones. None at all
                means that it succeeds and says nothing.

        Returns:
            The runner.
        """
        if isinstance(pattern, str):
            raise TypeError(f"a command is a list of words, not {pattern!r}")
        self._answers.insert(0, _Answer(pattern, scripts or [Reply()]))
        return self

    def fail_at(self, number: int, fault: Reply = _ANY_FAULT) -> FakeRunner:
        """Let the n-th command fail, whatever it is and whatever it would have answered.

        Args:
            number: which one, counted from 1 over all methods.
            fault: what it does: by default it says ``injected failure`` and exits with status 1.

        Returns:
            The runner.
        """
        if number < 1:
            raise ValueError(f"commands are counted from 1, not from {number}")
        self._faults[number] = fault
        return self

    def check(self) -> None:
        """Raise AssertionError when a command was run that nobody expected, or a fault was never reached."""
        if self.unexpected:
            raise AssertionError(self._story(self.unexpected[0]))
        missed = [number for number in self._faults if number > len(self.calls)]
        if missed:
            raise AssertionError(f"command {missed[0]} was to fail, and only {len(self.calls)} were run")

    def spawn(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        keep_fds: Sequence[int] = (),
    ) -> FakeHandle:
        """Act as ``Runner.spawn``."""
        return self._start(Call("spawn", tuple(argv), stdin, None, False, env, tuple(keep_fds)))

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float | None,
        stdin: bytes | None = None,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Act as ``Runner.run``."""
        completed = self._start(Call("run", tuple(argv), stdin, timeout_s, check, env)).wait(timeout_s)
        return completed.require_success() if check else completed

    def attach(self, argv: Sequence[str]) -> int:
        """Act as ``Runner.attach``; what the command says goes nowhere."""
        return self._start(Call("attach", tuple(argv))).wait(None).status

    def _start(self, call: Call) -> FakeHandle:
        if any("\0" in word for word in call.argv):
            raise cannot_run(call.argv, ValueError("embedded null byte"))
        number = len(self.calls)
        self.calls.append(call)
        reply = self._reply_to(call)
        reply = self._faults.get(number + 1, reply)
        if reply.refused:
            raise cannot_run(call.argv, reply.refusal)

        def waited(timeout_s: float | None) -> None:
            self.calls[number] = evolve(call, timeout_s=timeout_s)

        return FakeHandle(call.argv, reply, waited)

    def _reply_to(self, call: Call) -> Reply:
        answers = [*self._answers, *([self._default] if self._default else [])]
        for answer in answers:
            if answer.matches(call.argv):
                return answer.next(call)
        self.unexpected.append(call.argv)
        raise AssertionError(self._story(call.argv))

    def _story(self, argv: tuple[str, ...]) -> str:
        expected = [f"  {answer}" for answer in self._answers] or ["  none"]
        return "\n".join([f"unexpected command: {' '.join(argv)}", "expected:", *expected])
