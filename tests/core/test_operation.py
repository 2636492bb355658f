"""Operations of several steps: done completely or not at all, whatever fails and whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from hvcore.errors import CommandFailed, HookFailed, HypervisorError, OperationFailed, StateFailed
from hvcore.system.journal import Journal, JournalState, Phase
from hvcore.system.operation import Step, Undoing, perform, undo_steps

STEPS = ("directory", "mount", "container")

# Takes three steps, each of which makes a file, and kills itself at a moment of one of them.
VICTIM = """
import sys
from pathlib import Path
from hvcore.system.journal import Journal, Phase
from hvcore.system.operation import Step, perform
from hvcore.testing.faults import KillAt
directory, victim, moment, fails = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4] == "fails"

def step(name):
    path = directory / name
    def do():
        path.touch()
        if name == "container" and fails:
            raise OSError(5, "it does not start")
    return Step(name, do, lambda: path.unlink(missing_ok=True))

journal = Journal(directory)
journal.enter(Phase.STARTING)
perform([step(name) for name in ("directory", "mount", "container")], journal, KillAt((victim, moment), here=True))
"""


class World:
    """What the steps do: each makes a file, and undoes it any number of times."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.journal = Journal(directory)
        self.log: list[str] = []
        self.failing: dict[str, BaseException] = {}
        self.steps = [Step(name, self._do(name), self._undo(name)) for name in STEPS]

    def _do(self, name: str) -> Callable[[], None]:
        def do() -> None:
            self.log.append(f"do {name}")
            (self.directory / name).touch()
            self._fail(f"do {name}")

        return do

    def _undo(self, name: str) -> Callable[[], None]:
        def undo() -> None:
            self.log.append(f"undo {name}")
            self._fail(f"undo {name}")
            (self.directory / name).unlink(missing_ok=True)

        return undo

    def _fail(self, what: str) -> None:
        if what in self.failing:
            raise self.failing[what]

    @property
    def made(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir() if path.name != "journal")

    @property
    def journalled(self) -> tuple[str, ...]:
        state = self.journal.read()
        return state.steps if state else ()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


# Success.


def test_takes_the_steps_in_order_each_journalled_before_it_is_taken(world: World) -> None:
    moments: list[str] = []

    def observe(step: str, moment: str) -> None:
        if moment == "begin":
            assert world.journalled[-1] == step
            assert step not in world.made
        moments.append(f"{moment} {step}")

    perform(world.steps, world.journal, observe)
    assert world.log == [f"do {name}" for name in STEPS]
    assert moments == [f"{moment} {name}" for name in STEPS for moment in ("begin", "done")]
    assert world.journalled == STEPS


def test_nothing_to_do_is_done_at_once(world: World) -> None:
    perform([], world.journal)
    assert undo_steps([], world.journal) == Undoing()
    assert world.journal.read() is None


# A failure at each step.


@pytest.mark.parametrize("number", range(len(STEPS)))
@pytest.mark.parametrize("moment", ["do", "begin", "done"])
def test_a_failure_undoes_exactly_what_was_begun_in_the_opposite_order(world: World, number: int, moment: str) -> None:
    failing = STEPS[number]
    error = OperationFailed("it refused", details=["the tool's own words"])
    if moment == "do":
        world.failing[f"do {failing}"] = error

    def observe(step: str, now: str) -> None:
        if (step, now) == (failing, moment):
            raise error

    with pytest.raises(OperationFailed) as caught:
        perform(world.steps, world.journal, observe)
    begun = STEPS[: number + 1]
    assert caught.value is error
    assert (error.step, error.undone, error.left_behind) == (failing, begun[::-1], ())
    assert [entry for entry in world.log if entry.startswith("undo")] == [f"undo {name}" for name in begun[::-1]]
    assert world.made == []
    assert world.journalled == ()


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_a_step_that_could_not_be_journalled_was_not_begun(
    world: World, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Journal.begin

    def begin(journal: Journal, step: str) -> None:
        if step == STEPS[number]:
            raise StateFailed("cannot write the journal")
        real(journal, step)

    monkeypatch.setattr(Journal, "begin", begin)
    with pytest.raises(StateFailed) as caught:
        perform(world.steps, world.journal)
    assert (caught.value.step, caught.value.undone) == (STEPS[number], STEPS[:number][::-1])
    assert f"do {STEPS[number]}" not in world.log
    assert f"undo {STEPS[number]}" not in world.log
    assert world.made == []


def test_a_step_that_the_error_names_already_stays(world: World) -> None:
    world.failing["do mount"] = OperationFailed("no", step="loop device", undone=["loop"], left_behind=["x"])
    with pytest.raises(OperationFailed) as caught:
        perform(world.steps, world.journal)
    error = caught.value
    assert (error.step, error.undone, error.left_behind) == ("loop device", ("loop", "mount", "directory"), ("x",))


def test_an_error_of_the_system_becomes_a_failure_of_the_state(world: World) -> None:
    world.failing["do mount"] = OSError(28, "No space left on device", "/run/hvcore/lxc/web1/config")
    with pytest.raises(StateFailed) as caught:
        perform(world.steps, world.journal)
    error = caught.value
    assert error.message == "No space left on device: /run/hvcore/lxc/web1/config"
    assert error.__cause__ is world.failing["do mount"]
    assert (error.step, error.undone) == ("mount", ("mount", "directory"))
    assert error.resolution


def test_what_nobody_expected_is_told_with_what_was_undone(world: World) -> None:
    world.failing["do mount"] = ValueError("one\ntwo")
    with pytest.raises(HookFailed) as caught:
        perform(world.steps, world.journal)
    error = caught.value
    assert error.message == "it raised ValueError: one two"
    assert error.__cause__ is world.failing["do mount"]
    assert (error.step, error.undone) == ("mount", ("mount", "directory"))


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), SystemExit(1)])
def test_an_interruption_undoes_and_stays_an_interruption(world: World, interruption: BaseException) -> None:
    world.failing["do mount"] = interruption
    with pytest.raises(type(interruption)) as caught:
        perform(world.steps, world.journal)
    assert caught.value.__notes__ == ["undone: mount, directory; left behind: nothing"]
    assert world.made == []


# A failure while undoing.


def test_undoing_goes_on_after_a_failure_and_tells_what_is_left(world: World) -> None:
    world.failing = {
        "do container": OperationFailed("it does not start"),
        "undo container": CommandFailed("lxc-stop exited with status 1", details=["no such container"]),
        "undo mount": OSError(16, "Device or resource busy", "/srv/web1"),
    }
    with pytest.raises(OperationFailed) as caught:
        perform(world.steps, world.journal)
    error = caught.value
    assert error.undone == ("directory",)
    assert error.left_behind == (
        "container: lxc-stop exited with status 1; no such container",
        "mount: Device or resource busy: /srv/web1",
    )
    assert world.made == ["container", "mount"]
    assert world.journalled == ("mount", "container")


def test_undo_failures_are_collected_as_errors(world: World) -> None:
    perform(world.steps, world.journal)
    world.failing = {"undo container": OperationFailed("stuck"), "undo directory": ZeroDivisionError("odd")}
    outcome = undo_steps(reversed(world.steps), world.journal)
    assert outcome.undone == ("mount",)
    assert outcome.left_behind == ("container: stuck", "directory: it raised ZeroDivisionError: odd")
    assert [type(failure) for failure in outcome.failures] == [OperationFailed, HookFailed]
    assert [failure.step for failure in outcome.failures] == ["container", "directory"]


def test_undoing_again_finishes_what_was_left(world: World) -> None:
    perform(world.steps, world.journal)
    world.failing = {"undo mount": OperationFailed("busy")}
    undo_steps(reversed(world.steps), world.journal)
    world.failing = {}
    outcome = undo_steps(reversed(world.steps), world.journal)
    assert outcome.undone == STEPS[::-1]
    assert (world.made, world.journalled) == ([], ())


def test_a_record_that_others_still_need_is_kept_until_all_are_undone(world: World) -> None:
    directory, *others = world.steps
    steps = [evolve(directory, is_record=True), *others]
    perform(steps, world.journal)
    world.failing = {"undo mount": OperationFailed("busy")}
    outcome = undo_steps(reversed(steps), world.journal)
    assert (outcome.undone, outcome.left_behind) == (("container",), ("mount: busy",))
    assert (world.made, world.journalled) == (["directory", "mount"], ("directory", "mount"))
    world.failing = {}
    assert undo_steps(reversed(steps[:2]), world.journal).undone == ("mount", "directory")
    assert world.made == []


def test_a_fault_at_a_moment_of_undoing_is_told_and_keeps_no_other_step(world: World) -> None:
    perform(world.steps, world.journal)

    def observe(step: str, moment: str) -> None:
        if (step, moment) == ("mount", "undo"):
            raise OperationFailed("injected")

    outcome = undo_steps(reversed(world.steps), world.journal, observe)
    assert outcome.undone == ("container", "directory")
    assert outcome.left_behind == ("mount: injected",)
    assert world.made == ["mount"]


def test_on_a_full_disk_everything_is_undone_and_said_to_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, line: bytes) -> int:
        raise OSError(28, "No space left on device")

    perform(world.steps, world.journal)
    monkeypatch.setattr(os, "write", full)
    outcome = undo_steps(reversed(world.steps), world.journal)
    assert (outcome.undone, outcome.left_behind) == (STEPS[::-1], ())
    assert world.made == []
    assert world.journalled == STEPS  # to be undone once more, which does no harm


def test_a_journal_that_is_gone_is_not_made_anew(world: World) -> None:
    perform(world.steps, world.journal)
    world.journal.path.unlink()
    undo_steps(reversed(world.steps), world.journal)
    assert not world.journal.path.exists()


# A manager that is killed.


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("moment", ["begin", "done"])
def test_whoever_is_killed_while_taking_steps_leaves_a_journal_that_tells_all(
    tmp_path: Path, step: str, moment: str
) -> None:
    world = run_victim(tmp_path, step, moment, fails=False)
    begun = STEPS[: STEPS.index(step) + 1]
    assert set(world.made) <= set(begun)
    assert set(begun) - set(world.made) == ({step} if moment == "begin" else set())
    recover(world, begun)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("moment", ["undo", "undone"])
def test_whoever_is_killed_while_undoing_leaves_a_journal_that_tells_the_rest(
    tmp_path: Path, step: str, moment: str
) -> None:
    world = run_victim(tmp_path, step, moment, fails=True)
    left = STEPS[: STEPS.index(step) + (1 if moment == "undo" else 0)]
    assert world.made == sorted(left)
    recover(world, left)


def run_victim(directory: Path, step: str, moment: str, *, fails: bool) -> World:
    command = [sys.executable, "-c", VICTIM, str(directory), step, moment, "fails" if fails else "works"]
    process = subprocess.Popen(command)
    assert process.wait(60) == -signal.SIGKILL
    world = World(directory)
    state = world.journal.read()
    assert isinstance(state, JournalState)
    assert (state.phase, state.pid) == (Phase.STARTING, process.pid)
    return world


def recover(world: World, begun: tuple[str, ...]) -> None:
    """Do what the next manager does: undo what the journal names."""
    assert world.journalled == begun
    known = {step.name: step for step in world.steps}
    outcome = undo_steps([known[name] for name in reversed(world.journalled)], world.journal)
    assert outcome == Undoing(begun[::-1])
    assert (world.made, world.journalled) == ([], ())


def test_every_error_of_an_operation_is_one_of_the_tree(world: World) -> None:
    for error in (ValueError(), OSError(), OperationFailed("x"), RuntimeError("a\nb")):
        world.failing = {"do mount": error}
        with pytest.raises(HypervisorError) as caught:
            perform(world.steps, world.journal)
        assert caught.value.message
        assert "\n" not in caught.value.message
