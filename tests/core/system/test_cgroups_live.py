"""Cgroups of the tests' own, in every hierarchy of this machine; test_cgroups_v2.py runs them once more on version 2."""

from __future__ import annotations

import os
import re
import select
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import InvalidInput, OperationFailed
from hvcore.system.cgroup_layout import CgroupLayout, current_layout
from hvcore.system.cgroups import (
    freeze_group,
    group_directories,
    is_frozen,
    is_populated,
    kill_group,
    read_pids,
    remove_group,
    thaw_group,
    write_value,
)

pytestmark = pytest.mark.live

Start = Callable[..., "subprocess.Popen[bytes]"]
Until = Callable[[Callable[[], Any]], Any]
# The child waits for a byte before it does anything, so that it can be put into the cgroup first. Its parent stays outside
# and reaps everything that the child leaves.
REAPER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
if (child := os.fork()) == 0:
    os.read(0, 1)
    exec(sys.argv[1])
    os._exit(0)
print(child, flush=True)
while True:
    try:
        os.wait()
    except ChildProcessError:
        os._exit(0)
"""
HOPPER = "while True:\n if os.fork(): os._exit(0)"


def run_in(group: Any, start: Start, script: str) -> subprocess.Popen[bytes]:
    process = start(script, python=REAPER)
    assert process.stdin is not None
    assert process.stdout is not None
    group.add(int(process.stdout.readline()))
    process.stdin.write(b"x")
    process.stdin.flush()
    return process


def answers(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    """Whether ``cat`` gives a byte back."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"x")
    process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], timeout_s)
    return bool(ready) and os.read(process.stdout.fileno(), 1) == b"x"


def test_the_directory_in_every_hierarchy(layout: CgroupLayout, group: Any) -> None:
    assert group_directories(layout, group.name) == tuple(f"{base}/{group.name}" for base in layout.hierarchies)
    assert group_directories(layout, f"{group.name}/missing") == ()


def test_a_cgroup_is_populated_while_a_process_is_in_it(layout: CgroupLayout, group: Any, start: Start) -> None:
    assert not is_populated(layout, group.name)
    process = start("cat")
    group.add(process.pid)
    assert is_populated(layout, group.name)
    assert read_pids(f"{group_directories(layout, group.name)[0]}/cgroup.procs") == (process.pid,)
    kill_group(layout, group.name)
    assert not is_populated(layout, group.name)
    assert process.wait(20) == -9


def test_a_process_in_a_cgroup_far_below_counts(
    layout: CgroupLayout, group: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    group.make(f"{group.name}/a")
    deep = group.make(f"{group.name}/a/b")
    process = start("cat")
    group.add(process.pid, deep)
    assert is_populated(layout, group.name)
    kill_group(layout, group.name)
    assert process.wait(20) == -9
    removed: list[str] = []
    real_rmdir = os.rmdir

    def rmdir(path: str) -> None:
        removed.append(path)
        real_rmdir(path)

    monkeypatch.setattr("os.rmdir", rmdir)
    assert remove_group(layout, group.name) == ()
    below = ("/a/b", "/a", "")
    assert removed == [f"{base}/{group.name}{name}" for base in layout.hierarchies for name in below]


def test_a_process_that_moved_in_one_hierarchy_only(layout: CgroupLayout, group: Any, start: Start) -> None:
    group.make(f"{group.name}/init.scope")
    process = start("cat")
    group.add(process.pid)
    write_value(f"{layout.hierarchies[0]}/{group.name}/init.scope/cgroup.procs", str(process.pid))
    assert is_populated(layout, group.name)
    kill_group(layout, group.name)
    assert process.wait(20) == -9


def test_more_processes_than_are_watched_at_once(layout: CgroupLayout, group: Any, start: Start, until: Until) -> None:
    run_in(group, start, "for _ in range(600):\n if os.fork() == 0: os.read(0, 1)\nos.read(0, 1)")
    until(lambda: len(read_pids(f"{layout.hierarchies[0]}/{group.name}/cgroup.procs")) == 601)
    before = len(os.listdir("/proc/self/fd"))
    kill_group(layout, group.name)
    assert not is_populated(layout, group.name)
    assert len(os.listdir("/proc/self/fd")) == before


def test_processes_that_fork_and_run_do_not_get_away(layout: CgroupLayout, group: Any, start: Start) -> None:
    for _ in range(3):
        run_in(group, start, HOPPER)
    kill_group(layout, group.name)
    assert not is_populated(layout, group.name)
    assert remove_group(layout, group.name) == ()


def test_processes_that_the_pid_namespace_does_not_show_die_too(
    group: Any, start: Start, need: Callable[..., None]
) -> None:
    need("unshare")
    if current_layout().unified is None:
        pytest.skip("needs version 2, as version 1 offers no way to such processes: mount cgroup2")
    process = start("cat")
    group.add(process.pid)
    script = (
        "import sys; from hvcore.system import cgroups, cgroup_layout; layout = cgroup_layout.current_layout(); "
        "print(cgroups.is_populated(layout, sys.argv[1])); cgroups.kill_group(layout, sys.argv[1])"
    )
    command = ["unshare", "--pid", "--fork", sys.executable, "-c", script, group.name]
    assert subprocess.run(command, check=True, capture_output=True, timeout=20).stdout == b"True\n"
    assert process.wait(20) == -9


def test_killing_nothing_is_done_at_once(layout: CgroupLayout, group: Any) -> None:
    kill_group(layout, group.name)
    kill_group(layout, f"{group.name}/missing")


def test_a_neighbour_with_a_longer_name_is_left_alone(layout: CgroupLayout, group: Any, start: Start) -> None:
    group.make(f"{group.name}/inst1")
    other = group.make(f"{group.name}/inst10")
    process = start("cat")
    group.add(process.pid, other)
    kill_group(layout, f"{group.name}/inst1")
    assert remove_group(layout, f"{group.name}/inst1") == ()
    assert is_populated(layout, other)
    assert answers(process, 20)


@pytest.mark.parametrize("verb", [group_directories, is_populated, kill_group, remove_group, freeze_group, thaw_group])
@pytest.mark.parametrize("relative", ["", "/", "..", "a/../.."])
def test_the_root_is_never_touched(layout: CgroupLayout, verb: Callable[..., object], relative: str) -> None:
    with pytest.raises(InvalidInput):
        verb(layout, relative)


def test_frozen_processes_stand_still_until_they_are_thawed(layout: CgroupLayout, group: Any, start: Start) -> None:
    process = start("cat")
    group.add(process.pid)
    assert answers(process, 20)
    freeze_group(layout, group.name)
    assert is_frozen(layout, group.name)
    assert not answers(process, 0.1)
    freeze_group(layout, group.name)
    thaw_group(layout, group.name)
    assert not is_frozen(layout, group.name)
    assert answers(process, 20)
    thaw_group(layout, group.name)


def test_a_frozen_cgroup_dies(layout: CgroupLayout, group: Any, start: Start) -> None:
    processes = [start("cat") for _ in range(3)]
    for process in processes:
        group.add(process.pid)
    freeze_group(layout, group.name)
    kill_group(layout, group.name)
    assert [process.wait(20) for process in processes] == [-9, -9, -9]
    assert remove_group(layout, group.name) == ()


def test_a_cgroup_that_the_guest_froze_below_dies(layout: CgroupLayout, group: Any, start: Start) -> None:
    below = group.make(f"{group.name}/below")
    process = start("cat")
    group.add(process.pid, below)
    freeze_group(layout, below)
    assert not is_frozen(layout, group.name)
    kill_group(layout, group.name)
    assert process.wait(20) == -9


def test_processes_in_sub_cgroups_are_frozen_too(layout: CgroupLayout, group: Any, start: Start) -> None:
    below = group.make(f"{group.name}/below")
    process = start("cat")
    group.add(process.pid, below)
    freeze_group(layout, group.name)
    assert is_frozen(layout, below)
    assert not answers(process, 0.1)
    with pytest.raises(OperationFailed, match="stays frozen") as caught:
        thaw_group(layout, below, timeout_s=0.1)
    assert "above" in (caught.value.resolution or "")
    thaw_group(layout, group.name)
    assert answers(process, 20)


def test_a_cgroup_that_does_not_exist_cannot_be_frozen(layout: CgroupLayout, group: Any) -> None:
    for verb in (freeze_group, thaw_group):
        with pytest.raises(OperationFailed, match=f"there is no cgroup .*{re.escape(group.name)}/missing"):
            verb(layout, f"{group.name}/missing")
    assert not is_frozen(layout, f"{group.name}/missing")


def test_removing_waits_for_the_last_process(layout: CgroupLayout, group: Any, start: Start, until: Until) -> None:
    process = start("cat")
    group.add(process.pid)
    left: list[tuple[str, ...]] = []
    worker = threading.Thread(target=lambda: left.append(remove_group(layout, group.name, timeout_s=20)))
    worker.start()
    # The worker holds a descriptor of the process when it has come to the waiting.
    until(lambda: any("pidfd" in os.readlink(entry) for entry in descriptors()))
    process.kill()
    worker.join(20)
    assert left == [()]
    assert group_directories(layout, group.name) == ()


def descriptors() -> list[str]:
    """This process's open descriptors, those excepted that were closed while they were listed."""
    return [path for name in os.listdir("/proc/self/fd") if os.path.lexists(path := f"/proc/self/fd/{name}")]


def test_removing_ends_no_process_and_names_what_is_left(layout: CgroupLayout, group: Any, start: Start) -> None:
    group.make(f"{group.name}/empty")
    process = start("cat")
    group.add(process.pid)
    left = remove_group(layout, group.name, timeout_s=0.05)
    assert left == tuple(f"{base}/{group.name}" for base in layout.hierarchies)
    assert answers(process, 20)


def test_removing_nothing_leaves_nothing(layout: CgroupLayout, group: Any) -> None:
    assert remove_group(layout, f"{group.name}/missing") == ()


def server_ends(server: int) -> None:
    """Close a FUSE server's descriptor; its number stays taken."""
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, server)
    os.close(null)


@pytest.fixture
def stuck(scratch: Path, group: Any, start: Start, need: Callable[..., None]) -> Any:
    """A process that waits inside the kernel for storage: for a FUSE file system that takes a request and never answers."""
    need("mount", "umount")
    target = scratch / "silent"
    target.mkdir()
    server = os.open("/dev/fuse", os.O_RDWR)
    mounting = [
        "mount",
        "-i",
        "-t",
        "fuse",
        "-o",
        f"fd={server},rootmode=40000,user_id=0,group_id=0",
        "silent",
        str(target),
    ]
    subprocess.run(mounting, pass_fds=[server], check=True)
    try:
        unique = struct.unpack_from("=IIQ", os.read(server, 1 << 20))[2]
        # struct fuse_out_header, then struct fuse_init_out with nothing but the version of the protocol.
        os.write(server, struct.pack("=IiQII56x", 80, 0, unique, 7, 31))
        process = start(str(target / "file"), python="import os, sys; os.stat(sys.argv[1])")
        os.read(server, 1 << 20)
        yield process, lambda: server_ends(server)
    finally:
        os.close(server)
        group.remove()
        subprocess.run(["umount", target], check=True)


def test_a_freeze_that_fails_is_undone(layout: CgroupLayout, group: Any, stuck: Any, start: Start) -> None:
    process, _ = stuck
    group.add(process.pid)
    other = start("cat")
    group.add(other.pid)
    with pytest.raises(OperationFailed, match=r"did not freeze within 0\.1 s") as caught:
        freeze_group(layout, group.name, timeout_s=0.1)
    assert any(line.startswith(f"process {process.pid} (") for line in caught.value.details), caught.value.details
    assert answers(other, 20)
    assert not is_frozen(layout, group.name)


def test_a_process_that_does_not_die_is_named(layout: CgroupLayout, group: Any, stuck: Any, start: Start) -> None:
    process, answer = stuck
    group.add(process.pid)
    other = start("cat")
    group.add(other.pid)
    with pytest.raises(OperationFailed, match=r"did not end within 0\.2 s") as caught:
        kill_group(layout, group.name, timeout_s=0.2)
    assert other.wait(20) == -9
    assert any(line.startswith(f"process {process.pid} (") for line in caught.value.details), caught.value.details
    answer()
    kill_group(layout, group.name)
    assert process.wait(20) == -9
