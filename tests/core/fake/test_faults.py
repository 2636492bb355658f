"""A fault at every step of every verb: what fails is undone and named, and what a killed manager left is put in order."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from hvcore.errors import AlreadyRunning, Busy, HypervisorError, NotRunning, OperationFailed, StateFailed
from hvcore.fake.recovery import diagnose
from hvcore.model.state import InstanceState
from hvcore.system.journal import JournalState, Phase
from hvcore.testing.faults import FailAt

Make = Callable[..., Any]
STEPS = ("directory", "definition", "console", "root", "boot")
MOMENTS = [(step, moment) for step in STEPS for moment in ("begin", "done")]
STARTED = ("boot", "done")


class Interruption(BaseException):
    """As a user's Ctrl-C."""


@pytest.mark.parametrize(("step", "moment"), MOMENTS)
def test_a_start_that_fails_leaves_nothing_and_names_the_step(
    place: Any, instance: Make, step: str, moment: str
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    fake = place.hypervisor(FailAt((step, moment), error=full))
    with pytest.raises(StateFailed, match="No space left") as caught:
        fake.start_instance(instance())
    error = caught.value
    assert (error.hypervisor, error.instance, error.operation, error.step) == ("fake", "web1", "start_instance", step)
    assert error.undone == tuple(reversed(STEPS[: STEPS.index(step) + 1]))
    assert error.left_behind == ()
    assert place.remains() == []
    assert fake.list_instances() == ()
    assert fake.recover().recoveries == ()


@pytest.mark.parametrize(("step", "moment"), MOMENTS)
def test_a_start_that_is_interrupted_leaves_nothing(place: Any, instance: Make, step: str, moment: str) -> None:
    fake = place.hypervisor(FailAt((step, moment), error=Interruption()))
    with pytest.raises(Interruption):
        fake.start_instance(instance())
    assert place.remains() == []


@pytest.mark.parametrize("step", STEPS)
def test_parameters_can_ask_for_a_start_to_fail(fake: Any, place: Any, instance: Make, step: str) -> None:
    with pytest.raises(OperationFailed, match="injected failure") as caught:
        fake.start_instance(instance(parameters={"fail_step": step}))
    assert caught.value.step == step
    assert place.remains() == []
    fake.start_instance(instance())
    assert fake.list_instances() == ("web1",)


def test_a_journal_that_cannot_be_begun_leaves_nothing(
    fake: Any, place: Any, instance: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StateFailed("cannot write the journal")

    for method in ("enter", "begin"):
        with monkeypatch.context() as patch:
            patch.setattr(f"hvcore.system.journal.Journal.{method}", refuse)
            with pytest.raises(StateFailed):
                fake.start_instance(instance())
        assert place.remains() == []


CHANGES: dict[str, Callable[[Any], object]] = {
    "pause": lambda fake: fake.pause_instance("web1"),
    "resume": lambda fake: fake.resume_instance("web1"),
    "balloon": lambda fake: fake.balloon_instance_memory("web1", 64),
    "reboot": lambda fake: fake.reboot_instance("web1"),
    "shutdown": lambda fake: fake.stop_instance("web1"),
}


@pytest.mark.parametrize("moment", ["begin", "done"])
@pytest.mark.parametrize("step", CHANGES)
def test_a_change_that_fails_changes_nothing(place: Any, fake: Any, instance: Make, step: str, moment: str) -> None:
    paused = step == "resume"
    fake.start_instance(instance(), startup_paused=paused)
    before = (place.directory() / "state.json").read_text()
    faulty = place.hypervisor(FailAt((step, moment), error=OSError(errno.EIO, "Input/output error")))
    with pytest.raises(StateFailed) as caught:
        CHANGES[step](faulty)
    assert (caught.value.step, caught.value.undone) == (step, (step,))
    assert (place.directory() / "state.json").read_text() == before
    assert fake.get_instance_info("web1").state is (InstanceState.PAUSED if paused else InstanceState.RUNNING)


@pytest.mark.parametrize("step", CHANGES)
def test_parameters_can_ask_for_a_change_to_fail(place: Any, fake: Any, instance: Make, step: str) -> None:
    fake.start_instance(instance(parameters={"fail_step": step}), startup_paused=step == "resume")
    before = (place.directory() / "state.json").read_text()
    for _ in range(2):
        with pytest.raises(OperationFailed, match="injected failure") as caught:
            CHANGES[step](fake)
        assert caught.value.step == step
    assert (place.directory() / "state.json").read_text() == before
    fake.stop_instance("web1", force=True)
    assert place.remains() == []


def test_a_failure_can_be_lifted_from_a_running_instance(fake: Any, instance: Make) -> None:
    fake.start_instance(instance(parameters={"fail_step": "pause"}))
    fake.restore_instance(instance())
    fake.pause_instance("web1")
    assert fake.get_instance_info("web1").state is InstanceState.PAUSED


@pytest.mark.parametrize("force", [False, True])
def test_a_stop_that_fails_by_request_is_finished_by_the_next_command(
    fake: Any, place: Any, instance: Make, force: bool
) -> None:
    fake.start_instance(instance(parameters={"fail_step": "halt"}))
    with pytest.raises(OperationFailed, match="injected failure") as caught:
        fake.stop_instance("web1", force=force)
    assert caught.value.step == "halt"
    fake.stop_instance("web1")
    assert place.remains() == []


@pytest.mark.parametrize("moment", ["undo", "undone"])
@pytest.mark.parametrize("step", STEPS)
def test_a_stop_that_fails_names_the_step_and_is_finished_later(
    place: Any, fake: Any, instance: Make, step: str, moment: str
) -> None:
    fake.start_instance(instance())
    faulty = place.hypervisor(FailAt((step, moment), error=OSError(errno.EIO, "Input/output error")))
    with pytest.raises(StateFailed) as caught:
        faulty.stop_instance("web1")
    assert caught.value.step == step
    assert caught.value.left_behind[0].startswith(f"{step}: ")
    report = fake.recover()
    assert report.is_clean
    assert place.remains() == []


def killed(place: Any, code: str, death: tuple[str, str]) -> None:
    """Let another process run into its death, and look that it died of it."""
    status, _ = place.elsewhere(code, death)
    assert status == -9


@pytest.mark.parametrize("death", MOMENTS, ids=" ".join)
def test_a_killed_start_is_undone_by_recover(place: Any, fake: Any, death: tuple[str, str]) -> None:
    killed(place, "fake.start_instance(instance())", death)
    assert fake.list_instances() == (("web1",) if death == STARTED else ())
    report = fake.recover()
    if death == STARTED:
        # Every step was taken: it runs, and there is nothing to undo.
        assert report.recoveries == ()
        assert fake.verify_instance("web1")
        fake.stop_instance("web1")
    else:
        (recovery,) = report.recoveries
        begun = STEPS[: STEPS.index(death[0]) + 1]
        assert (recovery.instance, recovery.done, recovery.left_behind) == ("web1", tuple(reversed(begun)), ())
        assert "start" in recovery.found
    assert place.remains() == []
    assert fake.recover().recoveries == ()


def refused(error: type[HypervisorError], verb: Callable[[], object]) -> None:
    with pytest.raises(error):
        verb()


NEXT: dict[str, Callable[[Any, Any], object]] = {
    "start": lambda fake, one: fake.start_instance(one),
    "stop": lambda fake, one: fake.stop_instance(one.name),
    "stop by force": lambda fake, one: fake.stop_instance(one.name, force=True),
    "cleanup": lambda fake, one: fake.cleanup_instance(one.name),
    "recover": lambda fake, one: fake.recover(one.name),
    "pause": lambda fake, one: refused(NotRunning, lambda: fake.pause_instance(one.name)),
    "resume": lambda fake, one: refused(NotRunning, lambda: fake.resume_instance(one.name)),
    "reboot": lambda fake, one: refused(NotRunning, lambda: fake.reboot_instance(one)),
    "balloon": lambda fake, one: refused(NotRunning, lambda: fake.balloon_instance_memory(one, 64)),
    "restore": lambda fake, one: refused(NotRunning, lambda: fake.restore_instance(one)),
}


@pytest.mark.parametrize("death", [moment for moment in MOMENTS if moment != STARTED], ids=" ".join)
def test_a_killed_start_is_undone_by_the_next_command(
    place: Any, instance: Make, tmp_path: Path, death: tuple[str, str]
) -> None:
    killed(place, "fake.start_instance(instance())", death)
    for number, (verb, command) in enumerate(NEXT.items()):
        copy = evolve(place, state=tmp_path / f"copy{number}")
        subprocess.run(["cp", "-a", place.state, copy.state], check=True)
        fake = copy.hypervisor()
        command(fake, instance())
        if verb == "start":
            assert fake.verify_instance("web1")
            fake.stop_instance("web1")
        assert copy.remains() == [], verb


@pytest.mark.parametrize("after", [False, True])
def test_an_instance_never_runs_before_its_journal_says_so(place: Any, fake: Any, after: bool) -> None:
    killer = f"""
from hvcore.system.journal import Journal
enter = Journal.enter
def die(self, phase):
    if phase == "running":
        if {after}:
            enter(self, phase)
        os.kill(os.getpid(), signal.SIGKILL)
    enter(self, phase)
Journal.enter = die
fake.start_instance(instance())
"""
    assert place.elsewhere(killer)[0] == -9
    assert fake.list_instances() == ()
    assert len(fake.recover().recoveries) == 1
    assert place.remains() == []


@pytest.mark.parametrize("moment", ["undo", "undone"])
@pytest.mark.parametrize("step", STEPS)
def test_a_start_that_is_killed_while_it_is_undone(place: Any, fake: Any, step: str, moment: str) -> None:
    killed(place, "fake.start_instance(instance(fail_step='boot'))", (step, moment))
    assert fake.list_instances() == ()
    assert fake.recover().is_clean
    fake.cleanup_instance("web1")  # takes over the lock's file where nothing else was left
    assert place.remains() == []


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("moment", ["undo", "undone"])
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_stop_is_finished_by_recover(
    place: Any, fake: Any, instance: Make, step: str, moment: str, force: bool
) -> None:
    fake.start_instance(instance())
    killed(place, f"fake.stop_instance('web1', force={force})", (step, moment))
    report = fake.recover()
    assert report.is_clean
    gone = (step, moment) == ("directory", "undone")
    assert [recovery.found for recovery in report.recoveries] == ([] if gone else ["a stop that was not finished"])
    fake.cleanup_instance("web1")
    assert place.remains() == []


def test_a_guest_whose_asker_was_killed_shuts_down_all_the_same(place: Any, fake: Any, instance: Make) -> None:
    fake.start_instance(instance())
    killed(place, "fake.stop_instance('web1')", ("shutdown", "done"))
    assert fake.list_instances() == ()
    (recovery,) = fake.recover().recoveries
    assert "no longer runs" in recovery.found
    assert place.remains() == []


@pytest.mark.parametrize(
    "death", [(step, moment) for step in list(CHANGES)[:4] for moment in ("begin", "done")], ids=" ".join
)
def test_a_killed_change_leaves_a_running_instance(
    place: Any, fake: Any, instance: Make, death: tuple[str, str]
) -> None:
    fake.start_instance(instance(), startup_paused=death[0] == "resume")
    verb = {
        "pause": "fake.pause_instance('web1')",
        "resume": "fake.resume_instance('web1')",
        "balloon": "fake.balloon_instance_memory('web1', 64)",
        "reboot": "fake.reboot_instance('web1')",
    }[death[0]]
    killed(place, verb, death)
    assert fake.recover().recoveries == ()
    assert fake.verify_instance("web1")
    assert (fake.get_instance_info("web1").memory_mib == 64) is (death == ("balloon", "done"))


@pytest.mark.parametrize("code", ["pass", "fake.context.instance_dir('web1').mkdir(parents=True)"])
def test_a_directory_without_a_journal_is_only_removed_when_it_is_empty(place: Any, fake: Any, code: str) -> None:
    place.elsewhere(code)
    fake.recover()
    assert place.remains() == []


def test_a_killed_writer_leaves_no_draft(place: Any, fake: Any, instance: Make) -> None:
    fake.start_instance(instance())
    for name in ("definition.json.new", "state.json.new"):
        (place.directory() / name).write_text("half of it")
    fake.stop_instance("web1")
    assert place.remains() == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"run": 1}', '{"behaviour": 3}'])
def test_a_state_that_says_nothing_is_a_machine_that_is_off(place: Any, fake: Any, instance: Make, text: str) -> None:
    fake.start_instance(instance())
    (place.directory() / "state.json").write_text(text)
    assert fake.list_instances() == ()
    fake.start_instance(instance())
    assert fake.list_instances() == ("web1",)


def test_a_rebooted_node_has_no_instances(place: Any, fake: Any, instance: Make) -> None:
    fake.start_instance(instance())
    state = place.directory() / "state.json"
    state.write_text(state.read_text().replace('"boot_id": "', '"boot_id": "former-'))
    assert fake.list_instances() == ()
    assert fake.get_instance_info("web1") is None
    (recovery,) = fake.recover().recoveries
    assert recovery.done == tuple(reversed(STEPS))
    assert place.remains() == []


def test_a_recovery_leaves_alone_what_somebody_works_on(place: Any, fake: Any) -> None:
    killed(place, "fake.start_instance(instance())", ("root", "done"))
    other = place.hypervisor()
    with other.context.locks.hold("web1", "start_instance"):
        assert fake.recover().recoveries == ()
        with pytest.raises(Busy):
            fake.recover("web1")
    assert [recovery.instance for recovery in fake.recover("web1").recoveries] == ["web1"]


def test_a_recovery_never_makes_a_healthy_instance_busy(place: Any, fake: Any, instance: Make) -> None:
    fake.start_instance(instance())
    with place.hypervisor().context.locks.hold("web1", "pause_instance"):
        assert fake.recover("web1").recoveries == ()


def test_a_recovery_says_what_it_could_not_do(place: Any, fake: Any) -> None:
    killed(place, "fake.start_instance(instance())", ("root", "done"))
    note = place.directory() / "note"
    note.write_text("mine")
    report = fake.recover()
    assert not report.is_clean
    assert "note" in report.recoveries[0].left_behind[0]
    with pytest.raises(StateFailed, match="note"):
        fake.cleanup_instance("web1")
    note.unlink()
    assert fake.recover().is_clean
    assert place.remains() == []


def test_a_start_that_would_fail_does_not_harm_one_that_runs(fake: Any, instance: Make) -> None:
    fake.start_instance(instance())
    with pytest.raises(AlreadyRunning):
        fake.start_instance(instance(parameters={"fail_step": "directory"}))
    assert fake.verify_instance("web1")


@pytest.mark.parametrize(
    ("journal", "is_alive", "expected"),
    [
        (None, True, None),
        (None, False, "guest"),
        (JournalState(Phase.RUNNING), True, None),
        (JournalState(Phase.RUNNING), False, "guest"),
        (JournalState(Phase.STARTING), False, "start"),
        (JournalState(Phase.STARTING), True, "start"),
        (JournalState(Phase.STOPPING), True, "stop"),
        (JournalState(Phase.STOPPING), False, "stop"),
    ],
)
def test_the_diagnosis(journal: JournalState | None, is_alive: bool, expected: str | None) -> None:
    found = diagnose(journal, is_alive)
    assert found is None if expected is None else expected in str(found)
