"""Every way to stop an instance: asked, in time or not, by force, overtaken, and from a folder that resists."""

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
    Busy,
    DeviceBusy,
    HypervisorError,
    StateFailed,
    StopTimeout,
)
from hvcore.fake import bell, folder
from hvcore.system.mountinfo import parse_mountinfo

Make = Callable[..., Any]


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
