"""Watching events: what verbs tell, from whatever process, and guests that end without one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hvcore
from hvcore.errors import AlreadyRunning, InvalidInput, OperationFailed, StopTimeout
from hvcore.event_watch import EventWatch
from hvcore.hypervisor import Hypervisor
from hvcore.model.event import EventKind, EventReason, InstanceEvent
from hvcore.plugin import BaseHypervisor, HypervisorPlugin, hookimpl
from hvcore.system.event_log import EventLog
from hvcore.testing.children import Child
from hvcore.testing.fixtures import in_child

__all__ = ["in_child"]

PATIENCE_S = 30.0
InChild = Callable[[Callable[[], object]], Child]


def load(place: Path) -> hvcore.Host:
    return hvcore.load(state_dir=place / "state", log_dir=place / "log")


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Hypervisor]:
    hypervisor = load(tmp_path).hypervisor("fake")
    yield hypervisor
    for name in hypervisor.list_instances():
        hypervisor.stop_instance(name, force=True)


@pytest.fixture
def watch(fake: Hypervisor) -> Iterator[EventWatch]:
    with fake.watch_events() as watch:
        yield watch


def instance(name: str = "web1", **parameters: Any) -> hvcore.Instance:
    return hvcore.Instance(name, "fake", memory_mib=32, parameters=parameters)


def told(event: InstanceEvent | None) -> str:
    assert event is not None, "nothing happened"
    return " ".join(filter(None, (event.instance, str(event.kind), event.reason and str(event.reason))))


def following(watch: EventWatch, count: int) -> list[str]:
    return [told(watch.wait(PATIENCE_S)) for _ in range(count)]


def all_now(watch: EventWatch) -> list[str]:
    found: list[str] = []
    while event := watch.wait(0):
        found.append(told(event))
    return found


def test_a_whole_life(fake: Hypervisor, watch: EventWatch) -> None:
    fake.start_instance(instance())
    fake.pause_instance("web1")
    fake.pause_instance("web1")
    fake.resume_instance("web1")
    fake.resume_instance("web1")
    fake.balloon_instance_memory("web1", 16)
    fake.reboot_instance("web1")
    fake.stop_instance("web1")
    fake.stop_instance("web1")
    fake.cleanup_instance("web1")
    assert all_now(watch) == [
        "web1 starting",
        "web1 started",
        "web1 paused",
        "web1 resumed",
        "web1 stopping reboot",
        "web1 stopped reboot",
        "web1 started reboot",
        "web1 stopping",
        "web1 stopped clean",
    ]


def test_a_paused_start_and_a_forced_stop(fake: Hypervisor, watch: EventWatch) -> None:
    fake.start_instance(instance(), startup_paused=True)
    fake.stop_instance("web1", force=True)
    expected = ["web1 starting", "web1 started", "web1 paused", "web1 stopping", "web1 stopped killed"]
    assert all_now(watch) == expected


def test_a_start_that_fails(fake: Hypervisor, watch: EventWatch) -> None:
    with pytest.raises(OperationFailed):
        fake.start_instance(instance(fail_step="boot"))
    assert all_now(watch) == ["web1 starting", "web1 stopped start-failed"]


def test_a_second_start_is_none(fake: Hypervisor, watch: EventWatch) -> None:
    fake.start_instance(instance())
    with pytest.raises(AlreadyRunning):
        fake.start_instance(instance())
    assert all_now(watch) == ["web1 starting", "web1 started"]
    # Nothing is known of it any more, and still it runs.
    for file in os.listdir(fake.context.events_dir):
        (fake.context.events_dir / file).unlink()
    with pytest.raises(AlreadyRunning):
        fake.start_instance(instance())
    last = EventLog(fake.context.events_dir).last("web1")
    assert last is not None
    assert last.kind is EventKind.STARTED


def test_a_stop_that_fails_leaves_it_started(fake: Hypervisor, watch: EventWatch) -> None:
    fake.start_instance(instance(refuses_shutdown=True))
    with pytest.raises(StopTimeout):
        fake.stop_instance("web1", timeout_s=0.01)
    assert all_now(watch)[2:] == ["web1 stopping", "web1 started stop-failed"]


def test_watch_guest_tells_of_an_end_without_a_verb(fake: Hypervisor, watch: EventWatch) -> None:
    fake.start_instance(instance(stop_delay_s=0.4))
    with pytest.raises(StopTimeout):
        fake.stop_instance("web1", timeout_s=0)
    expected = ["web1 starting", "web1 started", "web1 stopping", "web1 started stop-failed", "web1 stopped clean"]
    assert following(watch, 5) == expected
    fake.start_instance(instance())
    assert following(watch, 2) == ["web1 starting", "web1 started"]


def test_get_guest_end_tells_the_next_verb_of_an_end_that_nobody_watched(fake: Hypervisor) -> None:
    fake.start_instance(instance(stop_delay_s=0.01))
    with pytest.raises(StopTimeout):
        fake.stop_instance("web1", timeout_s=0)
    while fake.list_instances():
        pass
    fake.start_instance(instance())
    with fake.watch_events("") as watch:
        assert all_now(watch)[3:] == [
            "web1 started stop-failed",
            "web1 stopped clean",
            "web1 starting",
            "web1 started",
        ]


def test_a_power_cut_is_told_by_each_that_it_hit(fake: Hypervisor, watch: EventWatch) -> None:
    for name in ("web1", "web2"):
        fake.start_instance(instance(name))
    following(watch, 4)
    fake.powercycle_node(confirmed=True)
    assert sorted(following(watch, 2)) == ["web1 stopped node-reboot", "web2 stopped node-reboot"]
    fake.recover()
    assert all_now(watch) == []


def test_two_watches_tell_it_once(fake: Hypervisor, watch: EventWatch, tmp_path: Path) -> None:
    with load(tmp_path).hypervisor("fake").watch_events() as other:
        fake.start_instance(instance())
        for each in (watch, other):
            following(each, 2)
        fake.powercycle_node(confirmed=True)
        for each in (watch, other):
            assert following(each, 1) == ["web1 stopped node-reboot"]
        for each in (watch, other):
            assert all_now(each) == []


def test_another_process_acts(watch: EventWatch, tmp_path: Path, in_child: InChild) -> None:
    def act() -> None:
        other = load(tmp_path).hypervisor("fake")
        other.start_instance(instance())
        other.stop_instance("web1")

    child = in_child(act)
    assert following(watch, 4) == ["web1 starting", "web1 started", "web1 stopping", "web1 stopped clean"]
    assert child.wait() == 0


@pytest.mark.parametrize("step", ["console", "boot"])
def test_a_killed_starter_is_told_of(watch: EventWatch, tmp_path: Path, in_child: InChild, step: str) -> None:
    def die(at: str, moment: str) -> None:
        if at == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def start() -> None:
        from attrs import evolve

        host = hvcore.load(
            state_dir=tmp_path / "state",
            log_dir=tmp_path / "log",
            prepare=lambda context: evolve(context, observer=die),
        )
        host.hypervisor("fake").start_instance(instance())

    child = in_child(start)
    assert following(watch, 1) == ["web1 starting"]
    assert child.wait() == -signal.SIGKILL
    assert following(watch, 1) == ["web1 stopped start-failed"]
    load(tmp_path).hypervisor("fake").recover()
    assert all_now(watch) == []


def test_a_killed_stopper_leaves_the_rest_to_the_watch(
    fake: Hypervisor, watch: EventWatch, tmp_path: Path, in_child: InChild
) -> None:
    fake.start_instance(instance(stop_delay_s=1.0))
    following(watch, 2)
    child = in_child(lambda: load(tmp_path).hypervisor("fake").stop_instance("web1"))
    assert following(watch, 1) == ["web1 stopping"]
    console = tmp_path / "log" / "fake" / "web1.console.log"
    while "asked to shut down" not in console.read_text():
        pass
    child.kill()
    assert following(watch, 1) == ["web1 stopped clean"]
    fake.stop_instance("web1", force=True)
    assert all_now(watch) == []


def test_it_begins_after_a_cursor_and_goes_on_where_it_ended(fake: Hypervisor) -> None:
    fake.start_instance(instance())
    with fake.watch_events("") as watch:
        first = watch.wait(0)
        assert first is not None
    fake.stop_instance("web1")
    with fake.watch_events(first.cursor) as watch:
        assert all_now(watch) == ["web1 started", "web1 stopping", "web1 stopped clean"]
    with pytest.raises(InvalidInput):
        fake.watch_events("nonsense")


def test_a_slow_reader_is_told_and_finds_its_way(fake: Hypervisor, watch: EventWatch) -> None:
    log = EventLog(fake.context.events_dir, most_bytes=1000)
    fake.start_instance(instance())
    from hvcore.system.event_log import News

    for _ in range(100):
        log.tell("other", lambda _: (News(EventKind.STARTED), News(EventKind.STOPPED)))
    found = all_now(watch)
    assert found.count("lost") == 1
    fake.stop_instance("web1")
    assert following(watch, 2) == ["web1 stopping", "web1 stopped clean"]


def test_closing_wakes_whoever_waits_and_leaves_nothing_open(fake: Hypervisor) -> None:
    fake.start_instance(instance())
    before = sorted(os.listdir("/proc/self/fd"))
    watch = fake.watch_events()
    seen: list[InstanceEvent] = []
    waiting = threading.Thread(target=lambda: seen.extend(watch))
    waiting.start()
    fake.pause_instance("web1")
    watch.close()
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()
    watch.close()
    assert watch.wait(0) is None
    assert list(watch) == []
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_watch_that_cannot_be_made_leaves_nothing_open(fake: Hypervisor) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    with pytest.raises(InvalidInput):
        fake.watch_events("fake/x/y")
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_waiting_has_an_end(watch: EventWatch) -> None:
    assert watch.wait(0) is None
    assert watch.wait(0.01) is None


def test_it_can_be_waited_for_among_other_things(fake: Hypervisor, watch: EventWatch) -> None:
    import select

    assert watch.wait(0) is None
    assert select.select([watch], [], [], 0)[0] == []
    fake.start_instance(instance())
    assert select.select([watch], [], [], PATIENCE_S)[0] == [watch]
    assert told(watch.wait(0)) == "web1 starting"


def test_all_hypervisors_of_a_host(tmp_path: Path) -> None:
    class Plain(BaseHypervisor):
        running = False

        @hookimpl
        def get_instance_definition(self, instance_name: str) -> hvcore.Instance:
            return hvcore.Instance(instance_name, self.context.name)

        @hookimpl
        def start_instance(self, instance: Any, block_devices: Any, startup_paused: bool) -> None:
            type(self).running = True

        @hookimpl
        def stop_instance(self, instance: Any, name: str, force: bool, retry: bool, timeout_s: Any) -> None:
            type(self).running = False

        @hookimpl
        def get_instance_info(self, instance_name: str, parameters: Any) -> Any:
            return self if type(self).running else None

    plugins = [HypervisorPlugin(name, "", Plain) for name in ("a", "b")]
    broken = HypervisorPlugin("broken", "", Plain, contract="99.0")
    host = hvcore.load(state_dir=tmp_path, log_dir=tmp_path, plugins=[*plugins, broken], discover=False)
    with host.watch_events() as watch:
        host.hypervisor("a").start_instance(hvcore.Instance("x", "a"))
        Plain.running = False
        # Its driver does not say why, so it is asked whether.
        host.hypervisor("a").cleanup_instance("x")
        host.hypervisor("b").start_instance(hvcore.Instance("y", "b"))
        found = [watch.wait(PATIENCE_S) for _ in range(5)]
    events = [(event.hypervisor, told(event)) for event in found if event]
    assert [text for name, text in events if name == "a"] == ["x starting", "x started", "x stopped unknown"]
    assert [text for name, text in events if name == "b"] == ["y starting", "y started"]
    cursors = [event.cursor for event in found if event and event.kind is EventKind.STARTING]
    with host.watch_events(cursors) as watch:
        assert len(all_now(watch)) == 3
    with host.watch_events(kept=True) as watch:
        assert len(all_now(watch)) == 5
    for wrong in (["c/x/1"], [cursors[0], cursors[0]]):
        with pytest.raises(InvalidInput):
            host.watch_events(wrong)


def test_a_log_that_cannot_be_written_keeps_no_verb_from_its_work(
    fake: Hypervisor, caplog: pytest.LogCaptureFixture
) -> None:
    fake.context.events_dir.parent.mkdir(parents=True, exist_ok=True)
    fake.context.events_dir.touch()
    fake.start_instance(instance())
    fake.stop_instance("web1")
    assert fake.list_instances() == ()
    assert {record.name for record in caplog.records} == {"hvcore.events"}


def test_a_migrated_instance_leaves_and_arrives(tmp_path: Path) -> None:
    source, target = (load(tmp_path / node).hypervisor("fake") for node in ("a", "b"))
    address = str(target.context.state_dir.parent)
    source.start_instance(instance())
    with source.watch_events() as here, target.watch_events() as there:
        info = source.migration_info("web1")
        target.accept_instance(instance(), info, address)
        source.migrate_instance("web1", address)
        while source.get_migration_status("web1").status == "active":
            pass
        source.finalize_migration_source("web1", success=True)
        target.finalize_migration_dst(instance(), info, success=True)
        assert all_now(here) == ["web1 stopped migrated"]
        assert all_now(there) == ["web1 started migrated"]
    target.stop_instance("web1", force=True)


def test_each_state_directory_has_a_log_of_its_own(tmp_path: Path) -> None:
    hypervisors = [
        hvcore.load(state_dir=tmp_path / state, log_dir=tmp_path / "log").hypervisor("fake") for state in ("a", "b")
    ]
    with hypervisors[0].watch_events() as here, hypervisors[1].watch_events() as there:
        hypervisors[0].start_instance(instance())
        hypervisors[0].stop_instance("web1", force=True)
        assert len(all_now(here)) == 4
        assert all_now(there) == []
    context = hvcore.load(state_dir="/run/hvcore", log_dir=tmp_path).hypervisor("fake").context
    assert context.events_dir == tmp_path / "fake" / "events"


def test_the_reasons_are_the_promised_ones() -> None:
    wanted = {"clean", "exit-status", "signal", "out-of-memory", "killed", "node-reboot"}
    assert wanted <= {str(reason) for reason in EventReason}
