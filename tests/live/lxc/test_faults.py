"""What goes wrong: at any step of a start or a stop, on a full disk, and in LXC itself."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import (
    CommandFailed,
    CommandTimeout,
    HookFailed,
    HypervisorError,
    MissingRequirement,
    OperationFailed,
    StateFailed,
)
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.testing.faults import CallAt, FailAt, Spot
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.steps import STEPS

pytestmark = pytest.mark.live

Running = Callable[..., Instance]
TAKEN: list[Spot] = [(step, moment) for step in STEPS for moment in ("begin", "done")]


def begun_until(step: str) -> tuple[str, ...]:
    """Return the steps that a start has begun by then, in the order in which they are undone."""
    return STEPS[STEPS.index(step) :: -1]


# -- a step that fails -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize(("step", "moment"), TAKEN)
def test_a_failure_in_a_start_is_undone_completely(
    lxc: Hypervisor, lxc_host: LiveHost, leak_check: LeakCheck, step: str, moment: str, paused: bool
) -> None:
    instance = lxc_host.instance(init="/sbin/quick")
    with pytest.raises(OperationFailed) as caught:
        lxc_host.load(prepare=FailAt((step, moment)).prepare).start_instance(instance, startup_paused=paused)
    error = caught.value
    assert (error.message, error.code) == (f"injected at {step} {moment}", "operation")
    assert (error.step, error.operation, error.instance) == (step, "start_instance", instance.name)
    assert (error.undone, error.left_behind) == (begun_until(step), ())
    assert error.resolution
    leak_check.check()
    assert lxc.recover().recoveries == ()
    lxc.start_instance(instance)
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()


@pytest.mark.parametrize(
    ("cause", "kind", "code"),
    [
        (OSError(errno.EIO, os.strerror(errno.EIO)), StateFailed, "operation.state"),
        (RuntimeError("nobody expected this"), HookFailed, "plugin.hook"),
    ],
)
def test_a_failure_of_any_kind_is_undone_completely(
    lxc_host: LiveHost, leak_check: LeakCheck, cause: Exception, kind: type[HypervisorError], code: str
) -> None:
    with pytest.raises(kind) as caught:
        lxc_host.load(prepare=FailAt(("container", "done"), error=cause).prepare).start_instance(lxc_host.instance())
    assert (caught.value.code, caught.value.step) == (code, "container")
    assert (caught.value.undone, caught.value.left_behind) == (begun_until("container"), ())
    assert caught.value.resolution
    leak_check.check()


@pytest.mark.parametrize("step", STEPS)
def test_an_interruption_in_a_start_is_undone_completely(lxc_host: LiveHost, leak_check: LeakCheck, step: str) -> None:
    interrupted = lxc_host.load(prepare=FailAt((step, "done"), error=KeyboardInterrupt()).prepare)
    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted.start_instance(lxc_host.instance())
    assert f"undone: {', '.join(begun_until(step))}; left behind: nothing" in caught.value.__notes__
    leak_check.check()


@pytest.mark.parametrize("way", ["cleanup", "recover", "start"])
@pytest.mark.parametrize("step", STEPS)
def test_what_could_not_be_undone_after_a_failed_start_is_told_and_finished_later(
    lxc: Hypervisor, lxc_host: LiveHost, leak_check: LeakCheck, step: str, way: str
) -> None:
    instance = lxc_host.instance(init="/sbin/quick")
    with pytest.raises(OperationFailed) as caught:
        lxc_host.load(prepare=FailAt(("container", "done"), (step, "undo")).prepare).start_instance(instance)
    error = caught.value
    assert (error.message, error.step) == ("injected at container done", "container")
    assert error.left_behind[0] == f"{step}: injected at {step} undo"
    assert step not in error.undone
    assert error.resolution
    if way == "start":
        lxc.start_instance(instance)
        assert lxc.list_instances() == (instance.name,)
        lxc.stop_instance(instance.name, force=True)
    elif way == "recover":
        assert lxc.recover().is_clean
    else:
        lxc.cleanup_instance(instance.name)
    leak_check.check()
    assert lxc.recover().recoveries == ()


@pytest.mark.parametrize("way", ["cleanup", "stop", "recover"])
@pytest.mark.parametrize("step", STEPS)
def test_a_failure_in_a_stop_is_told_and_finished_later(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, leak_check: LeakCheck, step: str, way: str
) -> None:
    instance = running()
    with pytest.raises(OperationFailed) as caught:
        lxc_host.load(prepare=FailAt((step, "undo")).prepare).stop_instance(instance.name, force=True)
    error = caught.value
    assert (error.message, error.code, error.step) == (f"injected at {step} undo", "operation", step)
    assert (error.operation, error.instance) == ("stop_instance", instance.name)
    assert f"{step}: injected at {step} undo" in error.left_behind
    assert step not in error.undone
    assert error.resolution
    # Whoever finishes it needs to know what it was.
    assert lxc.get_instance_definition(instance.name) == lxc.prepare_instance(instance)
    if step == "container" or way == "stop":
        # The container is what could not be ended, so it runs on and only a stop will do.
        lxc.stop_instance(instance.name, force=True)
    elif way == "recover":
        assert [recovery.instance for recovery in lxc.recover().recoveries] == [instance.name]
    else:
        lxc.cleanup_instance(instance.name)
    assert lxc.list_instances() == ()
    leak_check.check()


# -- a full disk -------------------------------------------------------------------------------------------------------


class SmallDisk:
    """A file system of the test's own that can be filled."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._stuffing = directory / "stuffing"

    def fill(self) -> None:
        """Take the space; new files can be made and stay empty."""
        with self._stuffing.open("ab", buffering=0) as file:
            while os.statvfs(self.directory).f_bavail:
                file.write(bytes(4096))

    def take_files(self, but: int) -> None:
        """Take the files: no more than some can be made."""
        for number in range(os.statvfs(self.directory).f_ffree - but):
            (self.directory / f"file{number}").touch()
        assert os.statvfs(self.directory).f_ffree == but


@pytest.fixture
def small_disk(leak_check: LeakCheck) -> Iterator[SmallDisk]:
    directory = Path(tempfile.mkdtemp(prefix="hvd"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k,nr_inodes=40", "tmpfs", directory], check=True)
    try:
        yield SmallDisk(directory)
    finally:
        subprocess.run(["umount", directory], check=True)
        directory.rmdir()


@pytest.fixture
def small_host(small_disk: SmallDisk, lxc_host: LiveHost, leak_check: LeakCheck) -> Iterator[LiveHost]:
    """A hypervisor whose state lies on the small file system."""
    host = LiveHost("lxc", small_disk.directory, lxc_host.tag, lxc_host.root)
    host.log_dir = lxc_host.log_dir
    for directory in (host.state_dir / "lxc", host.state_dir / ".locks" / "lxc"):
        directory.mkdir(parents=True)
    context = host.hypervisor.context
    leak_check.watch(LxcPaths.of(context).tag, directories=[host.state_dir])
    yield host
    host.stop_all()


@pytest.mark.parametrize(
    ("files_left", "message"),
    [(0, "lock"), (1, "cannot be made"), (2, "journal")],
    ids=["lock", "directory", "journal"],
)
def test_a_file_system_without_free_files(
    small_host: LiveHost, small_disk: SmallDisk, leak_check: LeakCheck, files_left: int, message: str
) -> None:
    small_disk.take_files(but=files_left)
    with pytest.raises(StateFailed, match=message) as caught:
        small_host.hypervisor.start_instance(small_host.instance(init="/sbin/quick"))
    assert (caught.value.code, caught.value.step) == ("operation.state", None)
    assert "No space left" in caught.value.message
    assert caught.value.resolution
    assert caught.value.left_behind == ()
    leak_check.check()


def test_a_disk_that_is_full_before_a_start(small_host: LiveHost, small_disk: SmallDisk, leak_check: LeakCheck) -> None:
    small_disk.fill()
    with pytest.raises(StateFailed, match="journal: No space left") as caught:
        small_host.hypervisor.start_instance(small_host.instance(init="/sbin/quick"))
    assert (caught.value.code, caught.value.left_behind) == ("operation.state", ())
    assert caught.value.resolution
    leak_check.check()


@pytest.mark.parametrize(
    ("full_from", "step", "what"),
    [
        (("state", "begin"), "state", "definition.json"),
        (("mount", "done"), "config", "config"),
        (("container", "begin"), "container", ""),
    ],
)
def test_a_disk_that_is_full_in_the_middle_of_a_start(
    small_host: LiveHost, small_disk: SmallDisk, leak_check: LeakCheck, full_from: Spot, step: str, what: str
) -> None:
    instance = small_host.instance(init="/sbin/quick")
    with pytest.raises(StateFailed) as caught:
        small_host.load(prepare=CallAt(full_from, do=lambda *_: small_disk.fill()).prepare).start_instance(instance)
    error = caught.value
    assert what in error.message
    assert "No space left" in error.message
    assert (error.code, error.step) == ("operation.state", step)
    assert (error.undone, error.left_behind) == (begun_until(step), ())
    assert error.resolution
    leak_check.check()


@pytest.mark.parametrize("force", [True, False])
def test_stopping_is_possible_on_a_full_disk(
    small_host: LiveHost, small_disk: SmallDisk, leak_check: LeakCheck, force: bool
) -> None:
    instance = small_host.instance(init="/sbin/quick")
    small_host.hypervisor.start_instance(instance)
    small_disk.fill()
    small_host.hypervisor.stop_instance(instance.name, force=force, timeout_s=20)
    assert small_host.hypervisor.list_instances() == ()
    leak_check.check()


# -- LXC itself --------------------------------------------------------------------------------------------------------


@pytest.fixture
def fake_lxc_start(own_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put another lxc-start first in PATH."""

    def make(script: str) -> None:
        program = own_directory / "bin" / "lxc-start"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return make


@pytest.mark.parametrize("paused", [False, True])
def test_an_lxc_start_that_hangs_is_ended(
    lxc: Hypervisor,
    lxc_host: LiveHost,
    fake_lxc_start: Any,
    own_directory: Path,
    kernel: Any,
    leak_check: LeakCheck,
    paused: bool,
) -> None:
    fake_lxc_start(f"echo $$ > {own_directory}/pid\necho this takes long >&2\nexec sleep 600")
    began = time.monotonic()
    with pytest.raises(CommandTimeout) as caught:
        lxc.start_instance(lxc_host.instance(startup_timeout=1), startup_paused=paused)
    error = caught.value
    assert 1 <= time.monotonic() - began < 60
    assert (error.code, error.step) == ("operation.command.timeout", "container")
    assert error.command[0] == "lxc-start"
    assert "startup_timeout" in str(error.resolution)
    assert (error.undone, error.left_behind) == (begun_until("container"), ())
    assert not kernel.is_alive(int((own_directory / "pid").read_text()))
    leak_check.check()


@pytest.mark.parametrize("paused", [False, True])
def test_an_lxc_start_that_fails_is_quoted(
    lxc: Hypervisor, lxc_host: LiveHost, fake_lxc_start: Any, leak_check: LeakCheck, paused: bool
) -> None:
    fake_lxc_start("echo I am out of order >&2\nexit 1")
    with pytest.raises(CommandFailed) as caught:
        lxc.start_instance(lxc_host.instance(), startup_paused=paused)
    error = caught.value
    assert (error.code, error.status, error.step) == ("operation.command", 1, "container")
    assert "I am out of order" in error.details
    assert error.resolution
    assert (error.undone, error.left_behind) == (begun_until("container"), ())
    leak_check.check()


def test_an_lxc_start_that_starts_nothing_is_not_believed(
    lxc: Hypervisor, lxc_host: LiveHost, fake_lxc_start: Any, leak_check: LeakCheck
) -> None:
    fake_lxc_start("exit 0")
    with pytest.raises(OperationFailed) as caught:
        lxc.start_instance(lxc_host.instance())
    assert (caught.value.code, caught.value.step) == ("operation", "container")
    assert caught.value.resolution
    leak_check.check()


def test_lxc_that_is_not_installed(
    lxc: Hypervisor, lxc_host: LiveHost, own_directory: Path, monkeypatch: pytest.MonkeyPatch, leak_check: LeakCheck
) -> None:
    (own_directory / "empty").mkdir()
    monkeypatch.setenv("PATH", str(own_directory / "empty"))
    # The standard directories are searched as well, whatever PATH says.
    monkeypatch.setattr("hvcore.system.commands._SAFE_PATH", "/nowhere")
    with pytest.raises(MissingRequirement, match="lxc-start") as caught:
        lxc.start_instance(lxc_host.instance())
    assert caught.value.code == "operation.requirement"
    assert "install" in str(caught.value.resolution)
    leak_check.check()


NOBODY = 65534


def test_a_user_who_is_not_root(lxc_host: LiveHost, in_child: Any, leak_check: LeakCheck) -> None:
    for directory in (lxc_host.state_dir / "lxc", lxc_host.state_dir / ".locks" / "lxc"):
        os.chown(directory, NOBODY, -1)

    def start() -> None:
        hypervisor = lxc_host.load()
        os.setuid(NOBODY)
        with pytest.raises(MissingRequirement, match="root") as caught:
            hypervisor.start_instance(lxc_host.instance())
        assert caught.value.code == "operation.requirement"
        assert "run it as root" in str(caught.value.resolution)

    assert in_child(start).wait() == 0
    leak_check.check()


def test_a_user_who_may_not_write_to_the_state_directory(
    lxc_host: LiveHost, in_child: Any, leak_check: LeakCheck
) -> None:
    def start() -> None:
        hypervisor = lxc_host.load()
        os.setuid(NOBODY)
        with pytest.raises(MissingRequirement, match="containers are started by root") as caught:
            hypervisor.start_instance(lxc_host.instance())
        assert caught.value.code == "operation.requirement"
        assert "run it as root" in str(caught.value.resolution)
        assert "Permission denied" in caught.value.details[0]

    assert in_child(start).wait() == 0
    leak_check.check()


def test_a_bare_path_does_not_hide_lxc(
    lxc: Hypervisor, lxc_host: LiveHost, own_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a daemon's environment: what starts programs looks in the standard directories, so what looks for them does."""
    (own_directory / "empty").mkdir()
    monkeypatch.setenv("PATH", str(own_directory / "empty"))
    assert lxc.verify().text() is None
    lxc.start_instance(lxc_host.instance(init="/sbin/quick"))
    lxc.stop_instance(lxc_host.instance().name, force=True)
