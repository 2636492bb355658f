"""Being woken by the kernel: a changed directory, a moment that has come, the end of a process."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hvcore.errors import OperationFailed
from hvcore.system.guest_watch import GuestWatch
from hvcore.system.notify import add_directory, drain, open_notifier, open_timer

Start = Callable[..., "subprocess.Popen[bytes]"]
PATIENCE_S = 20.0


def is_readable(thing: int | GuestWatch, timeout_s: float = 0.0) -> bool:
    return bool(select.select([thing], [], [], timeout_s)[0])


@pytest.fixture
def notifier() -> Iterator[int]:
    descriptor = open_notifier()
    yield descriptor
    os.close(descriptor)


def test_a_directory_that_changes_wakes(notifier: int, tmp_path: Path) -> None:
    add_directory(notifier, tmp_path)
    assert not is_readable(notifier)
    (tmp_path / "file").write_text("a")
    for change in (
        lambda: None,
        lambda: (tmp_path / "file").write_text("b"),
        lambda: (tmp_path / "file").rename(tmp_path / "other"),
    ):
        change()
        assert is_readable(notifier)
        drain(notifier)
        assert not is_readable(notifier)


def test_what_cannot_be_watched_says_so(notifier: int, tmp_path: Path) -> None:
    for missing in (tmp_path / "none", Path(__file__)):
        with pytest.raises(OperationFailed, match="cannot be watched"):
            add_directory(notifier, missing)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.001])
def test_a_timer_wakes_once_its_time_has_come(seconds: float) -> None:
    timer = open_timer(seconds)
    assert is_readable(timer, PATIENCE_S)
    os.close(timer)


def test_a_timer_waits() -> None:
    timer = open_timer(3600)
    assert not is_readable(timer)
    os.close(timer)


def test_a_watch_wakes_at_the_first_of_several_and_closes_all(start: Start) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    process = start("cat")
    descriptors = sorted(os.listdir("/proc/self/fd"))
    with GuestWatch([os.pidfd_open(process.pid), open_timer(3600)], run="1") as watch:
        assert not is_readable(watch)
        process.kill()
        assert is_readable(watch, PATIENCE_S)
        assert watch.run == "1"
    watch.close()
    assert sorted(os.listdir("/proc/self/fd")) == descriptors
    assert set(before) <= set(descriptors)
