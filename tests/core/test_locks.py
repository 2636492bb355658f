"""Locks between real processes and between threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hvcore.errors import Busy, HypervisorError, StateFailed
from hvcore.system import locks as module
from hvcore.system.locks import InstanceLocks

# Holds a lock, says so, and lets go when its input ends.
HOLDER = """
import sys
from pathlib import Path
from hvcore.system.locks import InstanceLocks
with InstanceLocks(Path(sys.argv[1]), "toy").hold(sys.argv[2], "start_instance", wait_s=float(sys.argv[3])):
    print("held", flush=True)
    sys.stdin.read()
"""

# Adds one to a number in a file many times, each time under the lock.
COUNTER = """
import sys
from pathlib import Path
from hvcore.system.locks import InstanceLocks
locks, number = InstanceLocks(Path(sys.argv[1]), "toy"), Path(sys.argv[2])
for _ in range(int(sys.argv[3])):
    with locks.hold("web1", "count", wait_s=60):
        number.write_text(str(int(number.read_text()) + 1))
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state" / ".locks"


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def begin(script: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, *map(str, arguments)]
        running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def hold_elsewhere(start: Start, directory: Path, name: str = "web1", wait_s: float = 0) -> subprocess.Popen[str]:
    process = start(HOLDER, directory, name, wait_s)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def files_of(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


# Two processes.


def test_another_process_is_told_who_holds_the_lock_and_for_what(start: Start, directory: Path) -> None:
    holder = hold_elsewhere(start, directory)
    with pytest.raises(Busy) as caught, InstanceLocks(directory, "toy").hold("web1", "pause_instance"):
        pytest.fail("both hold it")
    error = caught.value
    assert error.message == f"web1 is busy: process {holder.pid} (start_instance) works on it"
    assert (error.hypervisor, error.instance, error.operation) == ("toy", "web1", "pause_instance")
    assert error.resolution


def test_each_instance_has_a_lock_of_its_own(start: Start, directory: Path) -> None:
    hold_elsewhere(start, directory)
    with InstanceLocks(directory).hold("web2", "pause_instance"):
        assert files_of(directory) == ["web1", "web2"]


def test_no_lock_file_remains(start: Start, directory: Path) -> None:
    holder = hold_elsewhere(start, directory)
    holder.communicate()
    assert holder.returncode == 0
    assert files_of(directory) == []
    with InstanceLocks(directory).hold("web1", "pause_instance"):
        pass
    assert files_of(directory) == []


def test_a_holder_that_is_killed_frees_the_lock_and_the_next_removes_its_file(start: Start, directory: Path) -> None:
    holder = hold_elsewhere(start, directory)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert files_of(directory) == ["web1"]
    with InstanceLocks(directory).hold("web1", "recover"):
        assert (directory / "web1").read_text() == f"{os.getpid()} recover"
    assert files_of(directory) == []


def test_a_waiter_gets_the_lock_when_the_holder_lets_go(start: Start, directory: Path) -> None:
    holder = hold_elsewhere(start, directory)
    waiter = start(HOLDER, directory, "web1", 60)
    holder.communicate()
    assert waiter.stdout
    assert waiter.stdout.readline() == "held\n"
    with pytest.raises(Busy, match=str(waiter.pid)), InstanceLocks(directory).hold("web1", "x"):
        pytest.fail("both hold it")


def test_a_waiter_whose_time_is_up_is_told_so(start: Start, directory: Path) -> None:
    hold_elsewhere(start, directory)
    with pytest.raises(Busy), InstanceLocks(directory).hold("web1", "x", wait_s=0.02):
        pytest.fail("both hold it")


def test_no_two_processes_ever_hold_one_lock(start: Start, directory: Path, tmp_path: Path) -> None:
    number = tmp_path / "number"
    number.write_text("0")
    processes = [start(COUNTER, directory, number, 100) for _ in range(4)]
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0] * 4
    assert number.read_text() == "400"
    assert files_of(directory) == []


def test_a_yielded_lock_lets_another_process_in(start: Start, directory: Path) -> None:
    locks = InstanceLocks(directory)
    with locks.hold("web1", "stop_instance"):
        with locks.yielded("web1", "stop_instance"):
            assert files_of(directory) == []
            holder = hold_elsewhere(start, directory)
            holder.communicate()
        assert (directory / "web1").read_text() == f"{os.getpid()} stop_instance"
        with pytest.raises(Busy), InstanceLocks(directory).hold("web1", "x"):
            pytest.fail("both hold it")
    assert files_of(directory) == []


def test_a_yielded_lock_waits_for_whoever_took_it(start: Start, directory: Path) -> None:
    locks = InstanceLocks(directory)
    with locks.hold("web1", "stop_instance"):
        with locks.yielded("web1", "stop_instance"):
            holder = hold_elsewhere(start, directory)
            ending = threading.Thread(target=holder.communicate)
            ending.start()
        ending.join(60)
        assert holder.returncode == 0
    assert files_of(directory) == []


def test_a_yielded_lock_that_does_not_come_back_is_busy_and_stays_the_others(
    start: Start, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETAKE_S", 0.01)
    locks = InstanceLocks(directory)
    with pytest.raises(Busy), locks.hold("web1", "stop_instance"), locks.yielded("web1", "stop_instance"):
        hold_elsewhere(start, directory)
    with pytest.raises(Busy), locks.hold("web1", "x"):
        pytest.fail("both hold it")
    assert files_of(directory) == ["web1"]


def test_a_lock_that_is_not_held_is_not_yielded(start: Start, directory: Path) -> None:
    hold_elsewhere(start, directory)
    with InstanceLocks(directory).yielded("web1", "stop_instance"):
        assert files_of(directory) == ["web1"]
    assert files_of(directory) == ["web1"]


# Two threads.


def in_thread(work: Callable[[], object]) -> list[BaseException]:
    """Do something in another thread to its end and return what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except HypervisorError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return raised


def test_two_threads_of_one_process_exclude_each_other(directory: Path) -> None:
    locks = InstanceLocks(directory, "toy")

    def try_it() -> None:
        with locks.hold("web1", "pause_instance"):
            pytest.fail("both hold it")

    with locks.hold("web1", "start_instance"):
        [error] = in_thread(try_it)
    assert isinstance(error, Busy)
    assert f"process {os.getpid()} (start_instance)" in error.message
    with locks.hold("web1", "pause_instance"):
        pass


def test_one_thread_cannot_take_a_lock_twice(directory: Path) -> None:
    locks = InstanceLocks(directory)
    with locks.hold("web1", "start_instance"):
        with pytest.raises(Busy), locks.hold("web1", "pause_instance"):
            pytest.fail("it holds it twice")
        assert files_of(directory) == ["web1"]
    assert files_of(directory) == []


def test_a_thread_that_lost_its_lock_does_not_free_the_one_of_another(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETAKE_S", 0)
    locks = InstanceLocks(directory)
    taken, let_go = threading.Event(), threading.Event()

    def force() -> None:
        with locks.hold("web1", "stop_instance", wait_s=30):
            taken.set()
            assert let_go.wait(60)

    other = threading.Thread(target=force)

    def lose() -> None:
        with locks.hold("web1", "stop_instance"), locks.yielded("web1", "stop_instance"):
            other.start()
            assert taken.wait(60)

    with pytest.raises(Busy):
        lose()
    try:
        with pytest.raises(Busy), locks.hold("web1", "x"):
            pytest.fail("both hold it")
    finally:
        let_go.set()
        other.join(60)
    assert files_of(directory) == []


# What goes wrong.


def test_a_body_that_fails_frees_the_lock(directory: Path) -> None:
    locks = InstanceLocks(directory)
    with pytest.raises(ZeroDivisionError), locks.hold("web1", "x"):
        raise ZeroDivisionError
    assert files_of(directory) == []


def test_a_directory_that_cannot_be_made_is_a_failure_of_the_state(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    locks = InstanceLocks(tmp_path / "file" / "locks", "toy")
    with pytest.raises(StateFailed, match="Not a directory") as caught, locks.hold("web1", "pause_instance"):
        pytest.fail("it holds a lock without a file")
    error = caught.value
    assert (error.hypervisor, error.instance, error.operation) == ("toy", "web1", "pause_instance")
    assert "HVCORE_STATE_DIR" in str(error.resolution)


def test_on_a_full_disk_a_lock_can_still_be_held(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    mine, other = InstanceLocks(directory), InstanceLocks(directory)
    with mine.hold("web1", "stop_instance"):
        with pytest.raises(Busy, match="web1 is busy: another process works on it"), other.hold("web1", "x"):
            pytest.fail("both hold it")
        assert files_of(directory) == ["web1"]
    assert files_of(directory) == []


def test_a_file_that_its_holder_removed_while_another_opened_it_is_no_lock(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module._take  # pyright: ignore[reportPrivateUsage]
    tries: list[int] = []

    def take(descriptor: int) -> bool:
        tries.append(descriptor)
        if len(tries) == 1:
            (directory / "web1").unlink()
        return real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(module, "_take", take)
        mine = InstanceLocks(directory).hold("web1", "x")
        mine.__enter__()
    assert len(tries) == 2
    with pytest.raises(Busy), InstanceLocks(directory).hold("web1", "y"):
        pytest.fail("both hold it")
    mine.__exit__(None, None, None)
    assert files_of(directory) == []


def test_a_file_that_somebody_removed_and_another_made_anew_is_not_removed(directory: Path) -> None:
    locks = InstanceLocks(directory)
    with locks.hold("web1", "start_instance"):
        (directory / "web1").unlink()
        other = InstanceLocks(directory).hold("web1", "x")
        other.__enter__()
    assert files_of(directory) == ["web1"]
    other.__exit__(None, None, None)
    assert files_of(directory) == []


def test_a_file_that_cannot_be_removed_does_no_harm(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", denied)
        with InstanceLocks(directory).hold("web1", "x"):
            pass
    assert files_of(directory) == ["web1"]
    with InstanceLocks(directory).hold("web1", "y"):
        pass
    assert files_of(directory) == []


def test_no_descriptor_is_left_open(directory: Path) -> None:
    locks = InstanceLocks(directory)
    before = sorted(os.listdir("/proc/self/fd"))
    with locks.hold("web1", "x"):
        for _ in range(3):
            with pytest.raises(Busy), InstanceLocks(directory).hold("web1", "y"):
                pytest.fail("both hold it")
    assert sorted(os.listdir("/proc/self/fd")) == before
