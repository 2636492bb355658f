"""Bind mounts of the tests' own, made by the kernel of this machine."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from hvcore.errors import OperationFailed
from hvcore.system.mountinfo import mount_at, mounts_below, read_mounts
from hvcore.system.mounts import bind_mount, unmount, unmount_tree

pytestmark = pytest.mark.live


@pytest.fixture
def target(scratch: Path) -> Path:
    path = scratch / "target"
    path.mkdir()
    return path


def tmpfs(path: Path, *options: str) -> Path:
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", *options, "-t", "tmpfs", "-o", "size=64k", "tmpfs", path], check=True)
    return path


def points_below(path: Path) -> list[str]:
    return [mount.mount_point for mount in mounts_below(read_mounts(), str(path))]


def test_a_bind_mount_shows_the_directory_and_nothing_mounted_below_it(scratch: Path, target: Path) -> None:
    source = scratch / "source"
    source.mkdir()
    (source / "file").write_text("here")
    below = tmpfs(source / "below")
    (below / "hidden").touch()
    bind_mount(str(source), str(target))
    (target / "new").touch()
    assert sorted(os.listdir(source)) == ["below", "file", "new"]
    assert os.listdir(target / "below") == []
    unmount(str(target))
    assert os.listdir(target) == []
    unmount(str(below))


def test_a_read_only_bind_mount_leaves_the_source_writable(scratch: Path, target: Path) -> None:
    source = scratch / "source"
    source.mkdir()
    bind_mount(str(source), str(target), read_only=True)
    with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
        (target / "new").touch()
    (source / "new").touch()
    assert os.listdir(target) == ["new"]
    unmount(str(target))


def test_a_file_can_be_bound(scratch: Path) -> None:
    (scratch / "source").write_text("bound")
    (scratch / "file").touch()
    bind_mount(f"{scratch}/source", f"{scratch}/file")
    assert (scratch / "file").read_text() == "bound"
    unmount(f"{scratch}/file")
    with pytest.raises(OperationFailed, match="Invalid argument") as caught:
        bind_mount(f"{scratch}/source", str(scratch))
    assert "both" in (caught.value.resolution or "")


def test_mounts_below_a_bind_mount_do_not_propagate(scratch: Path) -> None:
    shared = tmpfs(scratch / "shared", "--make-shared")
    for name in ("source", "source/below", "target"):
        (shared / name).mkdir()
    bind_mount(f"{shared}/source", f"{shared}/target")
    tmpfs(shared / "target/below")
    assert points_below(shared) == [f"{shared}/target/below", f"{shared}/target", str(shared)]
    mount = mount_at(read_mounts(), f"{shared}/target")
    assert mount is not None
    assert mount.propagation == ()
    assert unmount_tree(str(shared)) == (f"{shared}/target/below", f"{shared}/target", str(shared))
