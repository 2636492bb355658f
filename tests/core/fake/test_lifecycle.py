"""Every verb of the life cycle, in one process."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import (
    AlreadyRunning,
    Busy,
    DeviceBusy,
    HypervisorError,
    InstanceNotFound,
    InvalidParameter,
    NotRunning,
    OperationFailed,
    StateFailed,
    StopTimeout,
)
from hvcore.fake import bell, folder
from hvcore.model.disk import Disk
from hvcore.model.nic import Nic
from hvcore.model.state import InstanceState
from hvcore.system.mountinfo import parse_mountinfo

Make = Callable[..., Any]
VERBS: dict[str, Callable[[Any], object]] = {
    "pause": lambda fake: fake.pause_instance("web1"),
    "resume": lambda fake: fake.resume_instance("web1"),
    "exec": lambda fake: fake.exec_in_instance("web1", ["true"]),
}


def test_a_started_instance_is_as_it_was_defined(fake: Any, instance: Make) -> None:
    wanted = instance(memory_mib=200, vcpus=3, tags=("a",))
    fake.start_instance(wanted)
    assert fake.list_instances() == ("web1",)
    info = fake.get_instance_info("web1")
    assert (info.state, info.memory_mib, info.vcpus, info.pid) == (InstanceState.RUNNING, 200, 3, None)
    assert fake.get_instance_definition("web1") == fake.prepare_instance(wanted)
    assert fake.verify_instance("web1")


def test_nothing_but_the_log_survives_a_stop(fake: Any, place: Any, instance: Make) -> None:
    fake.start_instance(instance())
    fake.exec_in_instance("web1", ["sh", "-c", "mkdir -p a/b; touch a/b/c; ln -s / a/all; chmod 500 a/b a ."])
    fake.stop_instance("web1")
    assert place.remains() == []
    assert fake.list_instances() == ()
    assert fake.get_instance_info("web1") is None
    assert fake.get_instance_definition("web1") is None
    assert place.log() == ["start with 128 MiB and 1 vcpus", "booted", "asked to shut down", "shut down"]
    assert Path("/etc/passwd").exists()


def test_a_second_start_is_refused_and_changes_nothing(fake: Any, instance: Make) -> None:
    fake.start_instance(instance(memory_mib=200))
    with pytest.raises(AlreadyRunning) as caught:
        fake.start_instance(instance(memory_mib=300))
    assert (caught.value.hypervisor, caught.value.instance) == ("fake", "web1")
    assert fake.get_instance_info("web1").memory_mib == 200
    assert fake.get_instance_definition("web1").memory_mib == 200


def test_an_instance_can_start_paused(fake: Any, place: Any, instance: Make) -> None:
    fake.start_instance(instance(), startup_paused=True)
    info = fake.get_instance_info("web1")
    assert (info.state, info.cpu_seconds) == (InstanceState.PAUSED, 0)
    assert fake.list_instances() == ("web1",)
    fake.resume_instance("web1")
    assert fake.get_instance_info("web1").state is InstanceState.RUNNING
    assert place.log()[1:] == ["booted, and paused before the first instruction", "resumed"]


def test_a_plan_names_the_steps_and_touches_nothing(fake: Any, place: Any, instance: Make) -> None:
    wanted = instance(
        disks=[Disk("/srv/web1")],
        nics=[Nic("bridged", link="br0")],
        parameters={"refuses_shutdown": True, "start_delay_s": 0.01},
    )
    plan = fake.plan_start(wanted, startup_paused=True)
    assert not place.state.exists()
    assert not place.logs.exists()
    assert [step.name for step in plan.steps] == ["directory", "definition", "console", "root", "boot"]
    assert "paused: yes" in plan.steps[-1].details
    assert "wait 0.01 s" in plan.steps[-1].summary
    assert [warning.partition(":")[0] for warning in plan.warnings] == [
        "refuses_shutdown",
        "disk /srv/web1",
        "bridged nic",
    ]
    fake.start_instance(wanted)
    assert {path: Path(path).read_text() for path in plan.documents} == plan.documents


def test_less_memory_than_wanted_is_given_where_the_node_has_less(fake: Any, instance: Make) -> None:
    total_mib = fake.get_node_info().memory_total_mib
    fake.start_instance(instance(memory_mib=2 * total_mib, memory_min_mib=16))
    assert 16 <= fake.get_instance_info("web1").memory_mib <= total_mib


@pytest.mark.parametrize("force", [False, True])
def test_stopping_what_does_not_run_is_no_error(fake: Any, place: Any, force: bool) -> None:
    fake.stop_instance("web1", force=force)
    fake.stop_instance(name="web1", force=force)
    assert place.remains() == []


def test_a_stop_needs_the_name_alone_and_takes_the_definition(fake: Any, place: Any, instance: Make) -> None:
    fake.start_instance(instance())
    fake.stop_instance(name="web1")
    fake.start_instance(instance())
    fake.stop_instance(instance())
    assert place.remains() == []


def test_a_forced_stop_asks_nobody(fake: Any, place: Any, instance: Make) -> None:
    fake.start_instance(instance(parameters={"refuses_shutdown": True, "stop_delay_s": 3600}))
    fake.stop_instance("web1", force=True)
    assert place.remains() == []
    assert place.log()[-1] == "ended by force"


@pytest.mark.parametrize("paused", [False, True])
def test_a_soft_stop_waits_for_the_guest(fake: Any, place: Any, instance: Make, paused: bool) -> None:
    fake.start_instance(instance(parameters={"stop_delay_s": 0.05}), startup_paused=paused)
    fake.stop_instance("web1", timeout_s=60)
    assert place.remains() == []
    assert place.log()[-2:] == ["asked to shut down", "shut down"]


@pytest.mark.parametrize("timeout_s", [0, 0.05])
def test_a_guest_that_refuses_to_shut_down_runs_on(fake: Any, place: Any, instance: Make, timeout_s: float) -> None:
    fake.start_instance(instance(parameters={"refuses_shutdown": True}))
    for retry in (False, True):
        with pytest.raises(StopTimeout) as caught:
            fake.stop_instance("web1", retry=retry, timeout_s=timeout_s)
        assert caught.value.step == "shutdown"
        assert "force" in caught.value.resolution
    assert fake.list_instances() == ("web1",)
    assert place.log().count("asked to shut down, which it ignores") == 1


def test_a_slow_guest_goes_on_shutting_down_after_the_time_is_up(fake: Any, place: Any, instance: Make) -> None:
    fake.start_instance(instance(parameters={"stop_delay_s": 0.1}))
    with pytest.raises(StopTimeout):
        fake.stop_instance("web1", timeout_s=0)
    fake.stop_instance("web1", retry=True, timeout_s=60)
    assert place.remains() == []
    assert place.log().count("asked to shut down") == 1


def test_waiting_for_a_guest_is_one_wait_and_no_polling(
    fake: Any, instance: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    wait = bell.Listener.wait
    monkeypatch.setattr(bell.Listener, "wait", lambda self, timeout_s: waits.append(timeout_s) or wait(self, timeout_s))
    fake.start_instance(instance(parameters={"refuses_shutdown": True}))
    with pytest.raises(StopTimeout):
        fake.stop_instance("web1", timeout_s=0.1)
    assert len(waits) == 1


def waiting_stop(place: Any, outcome: list[object]) -> threading.Thread:
    """A soft stop in a thread, begun so far that it has asked the guest and is about to wait."""
    asked = threading.Event()

    def observe(step: str, moment: str) -> None:
        if (step, moment) == ("shutdown", "done"):
            asked.set()

    def stop() -> None:
        try:
            place.hypervisor(observe).stop_instance("web1", timeout_s=120)
            outcome.append("stopped")
        except HypervisorError as error:
            outcome.append(error)

    thread = threading.Thread(target=stop)
    thread.start()
    assert asked.wait(30)
    return thread


def patiently(verb: Callable[[], object]) -> None:
    """Call a verb while a soft stop waits, which has its lock for a moment before and after."""
    while True:
        try:
            verb()
        except Busy:
            threading.Event().wait(0.005)
        else:
            return


def test_a_forced_stop_overtakes_a_soft_one(fake: Any, place: Any, instance: Make) -> None:
    fake.start_instance(instance(parameters={"refuses_shutdown": True}))
    outcome: list[object] = []
    soft = waiting_stop(place, outcome)
    fake.stop_instance("web1", force=True)
    soft.join(60)
    assert outcome == ["stopped"]
    assert place.remains() == []


def test_a_soft_stop_that_was_overtaken_leaves_a_new_instance_alone(fake: Any, place: Any, instance: Make) -> None:
    fake.start_instance(instance(parameters={"refuses_shutdown": True}))
    outcome: list[object] = []
    soft = waiting_stop(place, outcome)
    fake.stop_instance("web1", force=True)
    patiently(lambda: fake.start_instance(instance()))
    soft.join(60)
    assert outcome == ["stopped"]
    assert fake.list_instances() == ("web1",)


def test_a_soft_stop_notices_that_a_guest_was_paused_and_resumed(
    fake: Any, place: Any, instance: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    waits_for_a_resume = threading.Event()
    wait = bell.Listener.wait

    def observed_wait(self: bell.Listener, timeout_s: float) -> bool:
        waits.append(timeout_s)
        if timeout_s > 60:
            waits_for_a_resume.set()
        return wait(self, timeout_s)

    monkeypatch.setattr(bell.Listener, "wait", observed_wait)
    fake.start_instance(instance(parameters={"stop_delay_s": 1.0}))
    outcome: list[object] = []
    soft = waiting_stop(place, outcome)
    patiently(lambda: fake.pause_instance("web1"))
    assert waits_for_a_resume.wait(30)
    patiently(lambda: fake.resume_instance("web1"))
    soft.join(30)
    assert outcome == ["stopped"]
    assert place.remains() == []


def test_a_reboot_saves_an_instance_from_its_shutdown(fake: Any, place: Any, instance: Make) -> None:
    fake.start_instance(instance(parameters={"stop_delay_s": 0.3}))
    with pytest.raises(StopTimeout):
        fake.stop_instance("web1", timeout_s=0)
    fake.reboot_instance("web1")
    assert json.loads((place.directory() / "state.json").read_text())["halts_at_s"] is None
    assert fake.list_instances() == ("web1",)


def test_cleanup_may_run_any_number_of_times(fake: Any, place: Any, instance: Make) -> None:
    fake.cleanup_instance("web1")
    fake.start_instance(instance())
    with pytest.raises(OperationFailed, match="not cleaned up"):
        fake.cleanup_instance("web1")
    assert fake.verify_instance("web1")
    fake.stop_instance("web1")
    fake.cleanup_instance("web1")
    fake.cleanup_instance("web1")
    assert place.remains() == []


@pytest.mark.parametrize("paused", [False, True])
def test_a_reboot_begins_the_guests_time_anew(fake: Any, place: Any, instance: Make, paused: bool) -> None:
    fake.start_instance(instance(), startup_paused=paused)
    fake.balloon_instance_memory("web1", 100)
    state = place.directory() / "state.json"
    data = json.loads(state.read_text())
    state.write_text(json.dumps({**data, "elapsed_s": 1e6}))
    assert fake.get_instance_info("web1").cpu_seconds >= 1e6
    fake.reboot_instance("web1")
    info = fake.get_instance_info("web1")
    assert info.cpu_seconds < 1e6
    assert (info.state, info.memory_mib) == (InstanceState.RUNNING, 100)
    assert place.log()[-1] == "rebooted"


def test_pausing_and_resuming_twice_changes_nothing(fake: Any, place: Any, instance: Make) -> None:
    fake.start_instance(instance())
    fake.pause_instance("web1")
    first = fake.get_instance_info("web1")
    fake.pause_instance("web1")
    assert fake.get_instance_info("web1") == first
    assert first.state is InstanceState.PAUSED
    fake.resume_instance("web1")
    fake.resume_instance("web1")
    info = fake.get_instance_info("web1")
    assert info.state is InstanceState.RUNNING
    assert info.cpu_seconds >= first.cpu_seconds
    assert place.log()[-2:] == ["paused", "resumed"]


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_by_name_need_a_running_instance(fake: Any, place: Any, verb: str) -> None:
    with pytest.raises(NotRunning) as caught:
        VERBS[verb](fake)
    assert caught.value.instance == "web1"
    assert place.remains() == []


def test_verbs_by_definition_need_a_running_instance(fake: Any, place: Any, instance: Make) -> None:
    for verb in (fake.reboot_instance, fake.restore_instance, lambda one: fake.balloon_instance_memory(one, 64)):
        with pytest.raises(NotRunning):
            verb(instance())
        with pytest.raises(InstanceNotFound):
            verb("web1")
    assert fake.verify_instance(instance()) is False
    assert place.remains() == []


@pytest.mark.parametrize("memory_mib", [64, 512])
def test_ballooned_memory_is_read_back(fake: Any, instance: Make, memory_mib: int) -> None:
    fake.start_instance(instance())
    fake.balloon_instance_memory("web1", memory_mib)
    assert fake.get_instance_info("web1").memory_mib == memory_mib
    assert fake.get_instance_definition("web1").memory_mib == 128


def test_memory_that_the_node_does_not_have_is_not_given(fake: Any, instance: Make) -> None:
    fake.start_instance(instance())
    with pytest.raises(OperationFailed, match="MiB free") as caught:
        fake.balloon_instance_memory("web1", fake.get_node_info().memory_total_mib + 1000)
    assert caught.value.step == "balloon"
    assert fake.get_instance_info("web1").memory_mib == 128


def test_memory_can_be_taken_back_on_a_full_node(fake: Any, instance: Make) -> None:
    fake.start_instance(instance(memory_mib=2 * fake.get_node_info().memory_total_mib))
    assert fake.get_node_info().memory_free_mib == 0
    fake.balloon_instance_memory("web1", 64)
    assert fake.get_instance_info("web1").memory_mib == 64


@pytest.mark.parametrize("lost", ["definition.json", "root", "bell", "journal"])
def test_what_a_running_instance_lost_is_restored(fake: Any, place: Any, instance: Make, lost: str) -> None:
    fake.start_instance(instance(memory_mib=77))
    path = place.directory() / lost
    path.rmdir() if path.is_dir() else path.unlink()
    assert fake.verify_instance(instance()) is False
    fake.restore_instance(instance(memory_mib=77))
    assert fake.verify_instance("web1")
    assert fake.get_instance_definition("web1").memory_mib == 77
    fake.stop_instance("web1")
    assert place.remains() == []


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("lost", ["definition.json", "bell", "journal"])
def test_a_stop_works_whatever_was_lost(fake: Any, place: Any, instance: Make, lost: str, force: bool) -> None:
    fake.start_instance(instance(parameters={"stop_delay_s": 0.05}))
    (place.directory() / lost).unlink()
    fake.stop_instance("web1", force=force, timeout_s=60)
    assert place.remains() == []


def test_a_stop_keeps_off_what_is_mounted_inside(
    fake: Any, place: Any, instance: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.start_instance(instance())
    fake.exec_in_instance("web1", ["sh", "-c", "mkdir mnt; echo precious > mnt/file"])
    inside = place.directory() / "root.removed" / "mnt"
    table = f"36 35 0:32 / {inside} rw - tmpfs tmpfs rw\n"
    with monkeypatch.context() as patch:
        patch.setattr(folder, "read_mounts", lambda: parse_mountinfo(table))
        with pytest.raises(DeviceBusy) as caught:
            fake.stop_instance("web1")
    assert str(inside) in caught.value.message
    assert any(item.startswith("root: ") for item in caught.value.left_behind)
    assert (inside / "file").read_text() == "precious\n"
    assert fake.list_instances() == ()
    fake.cleanup_instance("web1")
    assert place.remains() == []


def test_folders_that_a_command_has_closed_are_removed(
    fake: Any, place: Any, instance: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The superuser may remove them anyway, so what other users meet is played here."""
    fake.start_instance(instance())
    fake.exec_in_instance("web1", ["sh", "-c", "mkdir -p a/b; ln -s /etc a/b/link; chmod 000 a/b; chmod 500 a ."])
    etc = os.stat("/etc").st_mode
    rmtree = shutil.rmtree

    def careful(folder: Path) -> None:
        for path in (folder, *(entry for entry in folder.rglob("*") if entry.is_dir() and not entry.is_symlink())):
            if path.stat().st_mode & 0o700 != 0o700:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
        rmtree(folder)

    monkeypatch.setattr(shutil, "rmtree", careful)
    fake.stop_instance("web1")
    assert place.remains() == []
    assert os.stat("/etc").st_mode == etc


def test_what_is_not_ours_is_never_removed(fake: Any, place: Any, instance: Make) -> None:
    fake.start_instance(instance())
    precious = place.directory() / "notes.txt"
    precious.write_text("mine")
    with pytest.raises(StateFailed, match=r"notes\.txt"):
        fake.stop_instance("web1")
    assert precious.read_text() == "mine"
    precious.unlink()
    fake.stop_instance("web1")
    assert place.remains() == []


def test_no_instance_is_started_in_a_directory_that_is_not_ours(fake: Any, place: Any, instance: Make) -> None:
    precious = place.directory() / "root" / "file"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    with pytest.raises(StateFailed, match="still holds root"):
        fake.start_instance(instance())
    fake.recover()
    assert precious.read_text() == "mine"
    assert fake.list_instances() == ()


def test_names_that_are_prefixes_of_each_other_never_meet(fake: Any, place: Any, instance: Make) -> None:
    names = ("web", "web1", "web1.a", "web10")
    for name in names:
        fake.start_instance(instance(name, memory_mib=100 + len(name)))
        fake.exec_in_instance(name, ["sh", "-c", "setsid sleep 600 & echo $! > pid"])
    pids = {name: int((place.directory(name) / "root/pid").read_text()) for name in names}
    fake.pause_instance("web1")
    assert [info.state.value for info in fake.get_all_instances_info()] == ["running", "paused", "running", "running"]
    fake.stop_instance("web1", force=True)
    assert fake.list_instances() == ("web", "web1.a", "web10")
    for name in ("web", "web1.a", "web10"):
        assert fake.get_instance_info(name).memory_mib == 100 + len(name)
        assert "sleep" in Path(f"/proc/{pids[name]}/cmdline").read_text()
    assert place.remains("web1") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("start_delay_s", -1),
        ("start_delay_s", "soon"),
        ("stop_delay_s", 1e300),
        ("stop_delay_s", float(86401)),
        ("refuses_shutdown", "perhaps"),
        ("fail_step", "lunch"),
        ("speed", 1),
    ],
)
def test_bad_parameters_are_refused_before_anything_is_touched(
    fake: Any, place: Any, instance: Make, name: str, value: object
) -> None:
    with pytest.raises(InvalidParameter) as caught:
        fake.start_instance(instance(parameters={name: value}))
    assert caught.value.key == name
    assert not place.state.exists()


def test_unset_parameters_are_the_defaults(fake: Any, instance: Make) -> None:
    unset = {"start_delay_s": None, "stop_delay_s": "", "refuses_shutdown": None, "fail_step": ""}
    fake.start_instance(instance(parameters=unset))
    fake.stop_instance("web1", timeout_s=0)
    assert fake.list_instances() == ()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, []),
        ({"fail_step": "boot"}, ["every start"]),
        ({"fail_step": "pause", "refuses_shutdown": True}, ["forced", "pause"]),
    ],
)
def test_parameters_that_ask_for_trouble_are_named(fake: Any, parameters: dict[str, object], words: list[str]) -> None:
    warnings = fake.assess_parameters(parameters)
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))


def test_a_log_that_cannot_be_written_any_more_is_a_warning(
    fake: Any, place: Any, instance: Make, caplog: pytest.LogCaptureFixture
) -> None:
    fake.start_instance(instance())
    log = place.logs / "fake" / "web1.console.log"
    log.unlink()
    log.mkdir()
    fake.pause_instance("web1")
    assert fake.get_instance_info("web1").state is InstanceState.PAUSED
    assert "paused" in caplog.text


def test_a_log_that_cannot_be_made_fails_the_start(fake: Any, place: Any, instance: Make) -> None:
    place.logs.mkdir()
    (place.logs / "fake").write_text("")
    with pytest.raises(StateFailed) as caught:
        fake.start_instance(instance())
    assert caught.value.step == "console"
    assert place.remains() == []
