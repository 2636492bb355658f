"""Events of real containers: the verbs', and the ends of guests with their reason, told without a verb."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hvcore.event_watch import EventWatch
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.event import EventKind, EventReason, InstanceEvent
from hvcore.model.instance import Instance
from hvcore.testing.children import Child
from hvcore.testing.fixtures import LiveHost

pytestmark = pytest.mark.live

Running = Callable[..., Instance]
PATIENCE_S = 20.0
HOG = "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"


@pytest.fixture
def watch(lxc_host: LiveHost) -> Iterator[EventWatch]:
    # Another process's: nothing in common with the one that acts but the directories.
    with lxc_host.load().watch_events() as watch:
        yield watch


@pytest.fixture
def guest(lxc_host: LiveHost, busybox_root: Callable[[], Path], running: Running) -> Callable[..., Instance]:
    """Start an instance whose init waits for a file and then runs a script."""

    def start(script: str, **fields: Any) -> Instance:
        root = busybox_root()
        (root / "sbin/own").write_text(f"#!/bin/sh\nwhile [ ! -e /go ]; do sleep 0.05; done\n{script}\n")
        (root / "sbin/own").chmod(0o755)
        return running(disks=[Disk(str(root))], init="/sbin/own", **fields)

    return start


def following(watch: EventWatch, count: int) -> list[InstanceEvent]:
    found: list[InstanceEvent] = []
    for _ in range(count):
        event = watch.wait(PATIENCE_S)
        assert event is not None, f"nothing happened after {found}"
        found.append(event)
    return found


def told(events: list[InstanceEvent]) -> list[tuple[str, str | None, int | None]]:
    return [(str(event.kind), event.reason and str(event.reason), event.status) for event in events]


def test_a_whole_life(lxc: Hypervisor, running: Running, watch: EventWatch) -> None:
    instance = running()
    lxc.pause_instance(instance)
    lxc.resume_instance(instance)
    lxc.reboot_instance(instance)
    lxc.stop_instance(instance)
    running("other", paused=True)
    lxc.stop_instance(f"{instance.name.rpartition('-')[0]}-other", force=True)
    assert told(following(watch, 14)) == [
        ("starting", None, None),
        ("started", None, None),
        ("paused", None, None),
        ("resumed", None, None),
        ("stopping", "reboot", None),
        ("stopped", "reboot", None),
        ("started", "reboot", None),
        ("stopping", None, None),
        ("stopped", "clean", None),
        ("starting", None, None),
        ("started", None, None),
        ("paused", None, None),
        ("stopping", None, None),
        ("stopped", "killed", None),
    ]
    assert watch.wait(0) is None


@pytest.mark.parametrize(
    ("script", "reason", "status"),
    [("exit 0", "clean", None), ("exit 7", "exit-status", 7), ("poweroff -f", "clean", None)],
)
def test_a_guest_that_ends(
    lxc: Hypervisor, guest: Any, watch: EventWatch, script: str, reason: str, status: int | None
) -> None:
    instance = guest(script, drop_capabilities="")
    following(watch, 2)
    lxc.exec_in_instance(instance, ["touch", "/go"])
    assert told(following(watch, 1)) == [("stopped", reason, status)]
    lxc.recover()
    assert watch.wait(0) is None


def test_an_init_that_is_killed(lxc: Hypervisor, running: Running, watch: EventWatch) -> None:
    instance = running()
    following(watch, 2)
    info = lxc.get_instance_info(instance.name)
    assert info is not None
    assert info.pid is not None
    os.kill(info.pid, signal.SIGKILL)
    assert told(following(watch, 1)) == [("stopped", "signal", 9)]


def test_a_guest_that_needs_too_much(lxc: Hypervisor, guest: Any, watch: EventWatch) -> None:
    instance = guest(HOG, memory_mib=16)
    following(watch, 2)
    lxc.exec_in_instance(instance, ["touch", "/go"])
    assert told(following(watch, 1)) == [("stopped", "out-of-memory", int(signal.SIGKILL))]


def test_a_guest_that_reboots_itself(lxc: Hypervisor, guest: Any, watch: EventWatch) -> None:
    instance = guest("rm /go; reboot -f", drop_capabilities="")
    following(watch, 2)
    for _ in range(2):
        lxc.exec_in_instance(instance, ["touch", "/go"])
        assert told(following(watch, 2)) == [("stopped", "reboot", None), ("started", "reboot", None)]
    lxc.stop_instance(instance, force=True)
    assert told(following(watch, 2)) == [("stopping", None, None), ("stopped", "killed", None)]


def test_an_end_that_nobody_watched_is_told_later_with_its_reason(
    lxc: Hypervisor, lxc_host: LiveHost, guest: Any
) -> None:
    instance = guest("exit 5")
    lxc.exec_in_instance(instance, ["touch", "/go"])
    while lxc.list_instances():
        pass
    with lxc_host.load().watch_events() as late:
        assert told(following(late, 1)) == [("stopped", "exit-status", 5)]


def test_a_monitor_that_is_killed_takes_the_reason_along(
    lxc: Hypervisor, running: Running, watch: EventWatch, kernel: Any
) -> None:
    instance = running()
    following(watch, 2)
    [monitor] = kernel.monitors(lxc.context.state_dir, instance.name)
    os.kill(monitor, signal.SIGKILL)
    [event] = following(watch, 1)
    assert (event.kind, event.reason) == (EventKind.STOPPED, EventReason.UNKNOWN)


def test_a_starter_that_is_killed(
    lxc: Hypervisor, lxc_host: LiveHost, watch: EventWatch, in_child: Callable[[Callable[[], object]], Child]
) -> None:
    def die(step: str, moment: str) -> None:
        if step == "config":
            os.kill(os.getpid(), signal.SIGKILL)

    def start() -> None:
        from attrs import evolve

        lxc_host.load(prepare=lambda context: evolve(context, observer=die)).start_instance(lxc_host.instance())

    child = in_child(start)
    assert told(following(watch, 1)) == [("starting", None, None)]
    assert child.wait() == -signal.SIGKILL
    assert told(following(watch, 1)) == [("stopped", "start-failed", None)]


def test_a_failing_start(lxc: Hypervisor, lxc_host: LiveHost, watch: EventWatch) -> None:
    from hvcore.errors import OperationFailed

    with pytest.raises(OperationFailed):
        lxc.start_instance(lxc_host.instance(init="/sbin/dies-soon"))
    assert told(following(watch, 2)) == [("starting", None, None), ("stopped", "start-failed", None)]


def test_many_watched_by_two(lxc: Hypervisor, lxc_host: LiveHost, running: Running, watch: EventWatch) -> None:
    with lxc_host.load().watch_events() as other:
        names = [running(f"n{number}").name for number in range(8)]
        for name in names:
            info = lxc.get_instance_info(name)
            assert info is not None
            assert info.pid is not None
            os.kill(info.pid, signal.SIGKILL)
        for each in (watch, other):
            events = following(each, 24)
            assert sorted(event.instance for event in events if event.kind is EventKind.STOPPED) == sorted(names)
            assert each.wait(0) is None
        cursors = [event.cursor for event in events]
        assert len(set(cursors)) == len(cursors)
