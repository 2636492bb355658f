"""Faults at chosen steps, on the embedded hypervisor."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import hvcore
from hvcore.errors import OperationFailed, StateFailed
from hvcore.fake.plugin import plugin
from hvcore.testing.children import Child
from hvcore.testing.faults import CallAt, FailAt, KillAt, Place, Prepare, Watch, steps_of
from hvcore.testing.fixtures import in_child

__all__ = ["in_child"]

STEPS = ("directory", "definition", "console", "root", "boot")
WEB = hvcore.Instance("web1", "fake")


@pytest.fixture
def load(tmp_path: Path) -> Any:
    """Load the hypervisor; what a test leaves running is ended."""

    def make(prepare: Prepare = lambda context: context) -> hvcore.Hypervisor:
        directories = {"state_dir": tmp_path / "state", "log_dir": tmp_path / "log"}
        return hvcore.load(plugins=[plugin], discover=False, prepare=prepare, **directories).hypervisor("fake")

    yield make
    for name in make().list_instances():
        make().stop_instance(name, force=True)


def test_the_steps_of_an_operation(load: Any) -> None:
    seen = steps_of(lambda prepare: load(prepare).start_instance(WEB))
    assert seen == tuple((step, moment) for step in STEPS for moment in ("begin", "done"))
    taken_back = steps_of(lambda prepare: load(prepare).stop_instance("web1", force=True))
    assert {moment for _, moment in taken_back} >= {"undo", "undone"}


def test_every_step_of_an_operation_can_fail(load: Any) -> None:
    spots = steps_of(lambda prepare: load(prepare).start_instance(WEB))
    load().stop_instance("web1", force=True)
    for step, moment in spots:
        fault = FailAt((step, moment))
        with pytest.raises(OperationFailed, match=f"injected at {step} {moment}") as caught:
            load(fault.prepare).start_instance(WEB)
        assert caught.value.step == step
        assert fault.reached == [(step, moment)]
        assert load().list_instances() == ()


@pytest.mark.parametrize(
    ("place", "step", "moment"),
    [("console", "console", "begin"), (1, "directory", "begin"), (4, "root", "begin"), ((2, "done"), STEPS[1], "done")],
)
def test_places(load: Any, place: Place, step: str, moment: str) -> None:
    with pytest.raises(OperationFailed, match=f"injected at {step} {moment}"):
        load(FailAt(place).prepare).start_instance(WEB)


def test_several_places(load: Any) -> None:
    fault = FailAt("boot", ("console", "undo"))
    with pytest.raises(OperationFailed, match="injected at boot begin") as caught:
        load(fault.prepare).start_instance(WEB)
    assert caught.value.left_behind == ("console: injected at console undo",)
    assert fault.reached == [("boot", "begin"), ("console", "undo")]


def test_an_error_of_ones_own(load: Any) -> None:
    with pytest.raises(StateFailed, match="No space left"):
        load(FailAt("root", error=OSError(28, "No space left on device")).prepare).start_instance(WEB)


def test_a_place_that_is_not_reached(load: Any) -> None:
    fault = FailAt("mount", 6)
    load(fault.prepare).start_instance(WEB)
    assert fault.reached == []
    assert len(fault.seen) == 2 * len(STEPS)


@pytest.mark.parametrize("place", [0, -1, (0, "done"), ("boot", "end")])
def test_a_place_that_cannot_be(place: Any) -> None:
    with pytest.raises(ValueError, match=r"counted from 1|no moment 'end'"):
        FailAt(place)


def test_doing_something_at_a_step(load: Any, tmp_path: Path) -> None:
    found: list[bool] = []
    directory = tmp_path / "state" / "fake" / "web1" / "root"
    look = CallAt(("root", "begin"), ("root", "done"), do=lambda *_: found.append(directory.exists()))
    load(look.prepare).start_instance(WEB)
    assert found == [False, True]


def test_the_observer_that_was_there_is_told_first(load: Any) -> None:
    told: list[str] = []
    watch = Watch()

    def prepare(context: Any) -> Any:
        return FailAt("console").prepare(watch.prepare(evolve(context, observer=lambda *spot: told.append(spot[0]))))

    with pytest.raises(OperationFailed):
        load(prepare).start_instance(WEB)
    assert ("console", "begin") in watch.seen
    assert "console" in told


# -- killing


@pytest.mark.parametrize("place", ["boot", ("boot", "done"), 1])
def test_a_process_is_killed_in_the_middle_and_nothing_is_undone(load: Any, in_child: Any, place: Place) -> None:
    dying = load(KillAt(place).prepare)
    child = in_child(lambda: dying.start_instance(WEB))
    assert child.wait() == -signal.SIGKILL
    if place == ("boot", "done"):
        assert load().list_instances() == ("web1",)
    else:
        assert [recovery.instance for recovery in load().recover().recoveries] == ["web1"]
    assert load().recover().recoveries == ()


def test_the_process_that_runs_the_tests_is_spared(load: Any) -> None:
    with pytest.raises(hvcore.HypervisorError, match="would kill the process that runs the tests"):
        load(KillAt("boot").prepare).start_instance(WEB)
    assert load().list_instances() == ()


def test_the_process_itself_can_be_killed_on_demand(in_child: Any) -> None:
    assert in_child(lambda: KillAt("boot", here=True)("boot", "begin")).wait() == -signal.SIGKILL


# -- children


def test_a_child_tells_how_it_ended(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise RuntimeError("told to the error stream")

    assert Child(lambda: None).wait() == 0
    assert Child(fail).wait() == 1
    assert "told to the error stream" in capfd.readouterr().err
    child = Child(signal.pause)
    child.kill()
    assert child.wait() == child.wait() == -signal.SIGKILL
    child.kill()


def test_a_child_is_not_waited_for_for_ever() -> None:
    child = Child(signal.pause)
    with pytest.raises(AssertionError, match=f"process {child.pid} did not end within 0 s"):
        child.wait(timeout_s=0)
    child.kill()


def test_a_child_never_comes_back_into_the_test(in_child: Any) -> None:
    parent = os.getpid()
    child = in_child(lambda: os._exit(0 if os.getppid() == parent else 3))
    assert child.wait() == 0
    assert os.getpid() == parent
