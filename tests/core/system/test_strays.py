"""Processes that are ended by what they look like."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

import pytest

from hvcore.system.process_usage import is_dead
from hvcore.system.strays import end_until_none, mounts_below_root, other_processes

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["mount", "--no-mtab", "--", "/dev/x", "/s/inst1/rootfs"], True),
        (["/sbin/mount.ext4", "/dev/x", "/s/inst1/rootfs/mnt", "-o", "rw"], True),
        (["mount", "/dev/x", "/s/inst10/rootfs"], False),
        (["mount", "/dev/x", "/s/inst1/rootfs2"], False),
        (["umount", "/s/inst1/rootfs"], False),
        ([""], False),
    ],
)
def test_mounts_below_a_root(words: list[str], found: bool) -> None:
    assert mounts_below_root(words, "/s/inst1/rootfs") is found


def test_every_process_but_the_own(start: Start) -> None:
    import os

    process = start("cat")
    found = {pid: words for pid, words, _ in other_processes()}
    assert found[process.pid] == ["cat"]
    assert os.getpid() not in found


def test_what_is_found_is_ended_until_nothing_is(start: Start) -> None:
    processes = [start("cat") for _ in range(3)]
    end_until_none(lambda: [process.pid for process in processes if not is_dead(process.pid)])
    assert [process.wait() for process in processes] == [-signal.SIGKILL] * 3


def test_who_ends_in_time_is_not_ended(start: Start) -> None:
    process = start("true")
    end_until_none(lambda: [] if is_dead(process.pid) else [process.pid], patience_s=20)
    assert process.wait() == 0


def test_a_recycled_number_is_never_hit(start: Start) -> None:
    bystander = start("cat")
    answers = iter([[bystander.pid]])
    end_until_none(lambda: next(answers, []))
    assert bystander.poll() is None
