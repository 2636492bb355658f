"""Whom the kernel has killed for want of memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from hvcore.system.oom import was_killed_for_memory

KILLED = "total-vm:17456kB, anon-rss:15872kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:76kB oom_score_adj:0"
LOG = f"""\
6,100,1000000,-;Killed process 42 by hand
 SUBSYSTEM=x
3,101,5000000,-;Memory cgroup out of memory: Killed process 42 (sh) {KILLED}
3,102,6000000,-;Out of memory: Killed process 43 (init) {KILLED}
"""


@pytest.mark.parametrize(
    ("pid", "since_s", "killed"), [(42, 0, True), (42, 5, True), (42, 5.1, False), (43, 0, True), (4, 0, False)]
)
def test_the_kernel_names_them(tmp_path: Path, pid: int, since_s: float, killed: bool) -> None:
    log = tmp_path / "kmsg"
    log.write_text(LOG)
    assert was_killed_for_memory(pid, since_s, str(log)) is killed


def test_where_the_log_cannot_be_read_nobody_was(tmp_path: Path) -> None:
    assert was_killed_for_memory(42, 0, str(tmp_path / "none")) is False
    assert was_killed_for_memory(42, 0, str(tmp_path)) is False


def test_the_real_log_has_an_end() -> None:
    assert was_killed_for_memory(2**30) is False
