"""Whose root lies below a directory: by components, in this mount namespace, in one pass."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.system.rooted import processes_below, rooted_below

Start = Callable[..., "subprocess.Popen[bytes]"]


class Proc:
    """A /proc with some processes of the tests' own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.links = {"/proc/self/ns/mnt": "mnt:[1]"}
        self.reads: list[str] = []
        monkeypatch.setattr("hvcore.system.rooted.os.listdir", lambda _: [*self.pids, "self", "meminfo"])
        monkeypatch.setattr("hvcore.system.rooted.os.readlink", self._readlink)

    @property
    def pids(self) -> list[str]:
        return [path.split("/")[2] for path in self.links if path.endswith("/root")]

    def add(self, pid: int, root: str, namespace: str = "mnt:[1]") -> None:
        self.links |= {f"/proc/{pid}/root": root, f"/proc/{pid}/ns/mnt": namespace}

    def _readlink(self, path: str) -> str:
        self.reads.append(path)
        if path not in self.links:
            raise FileNotFoundError(path)
        return self.links[path]


@pytest.fixture
def proc(monkeypatch: pytest.MonkeyPatch) -> Proc:
    return Proc(monkeypatch)


def test_components_decide_and_not_text(proc: Proc) -> None:
    for pid, root in enumerate(
        ["/s/inst1/rootfs", "/s/inst10/rootfs", "/s/inst1/rootfs/deep/er", "/s/inst1/rootfs2", "/"]
    ):
        proc.add(pid + 1, root)
    assert processes_below("/s/inst1/rootfs") == (1, 3)
    assert processes_below("/s/inst10/rootfs") == (2,)
    assert processes_below("/s/inst") == ()


def test_another_mount_namespace_is_left_out(proc: Proc) -> None:
    proc.add(1, "/s/inst1/rootfs", "mnt:[2]")
    assert processes_below("/s/inst1/rootfs") == ()


def test_a_root_that_was_removed_is_still_one(proc: Proc) -> None:
    proc.add(1, "/s/inst1/rootfs (deleted)")
    proc.add(2, "/s/inst1/rootfs/deep (deleted)")
    assert processes_below("/s/inst1/rootfs") == (1, 2)


def test_one_that_ends_meanwhile_is_left_out(proc: Proc) -> None:
    proc.add(1, "/s/inst1/rootfs")
    proc.add(2, "/s/inst1/rootfs")
    del proc.links["/proc/2/ns/mnt"]
    assert processes_below("/s/inst1/rootfs") == (1,)


def test_one_pass_is_enough_for_all(proc: Proc) -> None:
    for pid in range(1, 101):
        proc.add(pid, "/")
    proc.add(200, "/s/one/rootfs")
    proc.add(201, "/s/two/rootfs")
    assert dict(rooted_below("/s")) == {200: ("s", "one", "rootfs"), 201: ("s", "two", "rootfs")}
    # One look at each; the namespace of those alone that fit, and of this process.
    assert len(proc.reads) == 102 + 2 + 1


@pytest.mark.usefixtures("as_root")
def test_a_real_chroot(start: Start, tmp_path: Path, until: Any, need: Callable[..., None]) -> None:
    need("busybox", "chroot")
    busybox = shutil.which("busybox")
    assert busybox is not None
    for name in ("a", "ab"):
        (tmp_path / name / "deep").mkdir(parents=True)
        shutil.copy(busybox, tmp_path / name / "busybox")
        shutil.copy(busybox, tmp_path / name / "deep/busybox")
    plain = start("chroot", str(tmp_path / "a"), "/busybox", "sleep", "600")
    deeper = start("chroot", str(tmp_path / "a/deep"), "/busybox", "sleep", "600")
    other = start("chroot", str(tmp_path / "ab"), "/busybox", "sleep", "600")
    until(lambda: len(dict(rooted_below(str(tmp_path)))) == 3)
    assert processes_below(str(tmp_path / "a")) == tuple(sorted((plain.pid, deeper.pid)))
    assert processes_below(str(tmp_path / "ab")) == (other.pid,)
    assert os.getpid() not in dict(rooted_below(str(tmp_path)))
