"""Every verb of the life cycle, in one process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import (
    AlreadyRunning,
    InstanceNotFound,
    InvalidParameter,
    NotRunning,
    OperationFailed,
    StateFailed,
)
from hvcore.model.disk import Disk
from hvcore.model.nic import Nic
from hvcore.model.state import InstanceState

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
