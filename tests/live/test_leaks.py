"""The leak check sees every kind of thing, and the sweep takes all of it from the node."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hvcore.system.cgroup_layout import current_layout
from hvcore.testing.fixtures import own_directory, unique_tag
from hvcore.testing.leaks import LeakCheck, diff, snapshot
from hvcore.testing.sweep import remove_directory, sweep

pytestmark = pytest.mark.live

__all__ = ["own_directory", "unique_tag"]


@pytest.fixture
def check(unique_tag: str, own_directory: Path) -> Iterator[LeakCheck]:
    yield LeakCheck([unique_tag], [own_directory])
    sweep([unique_tag], own_directory)


def test_every_kind_is_seen_and_swept(check: LeakCheck, unique_tag: str, own_directory: Path) -> None:
    assert check.left() == {}
    (own_directory / "file").touch()
    (own_directory / "mnt").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", own_directory / "mnt"], check=True)
    (own_directory / "mnt" / "inside").touch()
    (own_directory / "image").write_bytes(bytes(1 << 20))
    subprocess.run(["losetup", "--find", own_directory / "image"], check=True)
    group = Path(current_layout().hierarchies[0], unique_tag)
    group.mkdir()
    subprocess.run(["ip", "link", "add", f"{unique_tag}br", "type", "bridge"], check=True)
    listeners = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
    listeners[0].bind(f"\0{unique_tag}")
    listeners[1].bind(str(own_directory / "socket"))
    process = subprocess.Popen(["sh", "-c", "sleep 1000; true", unique_tag])
    try:
        left = check.left()
        assert set(left) == {
            "mounts",
            "loop devices",
            "cgroups",
            "network devices",
            "sockets",
            "processes",
            "files",
        }
        assert left["cgroups"] == (str(group),)
        assert left["network devices"] == (f"{unique_tag}br",)
        assert left["sockets"] == (str(own_directory / "socket"), f"@{unique_tag}")
        assert set(left["files"]) == {str(own_directory / name) for name in ("file", "image", "mnt", "socket")}
        assert any(item.startswith(f"{process.pid} ") for item in left["processes"])
        with pytest.raises(AssertionError) as caught:
            check.check()
        assert all(item in str(caught.value) for items in left.values() for item in items)
        with pytest.raises(AssertionError, match="still mounted"):
            remove_directory(own_directory)
        assert (own_directory / "mnt" / "inside").exists()
    finally:
        for listener in listeners:
            listener.close()
        for device in [line.split(" ")[0] for line in check.left().get("loop devices", ())]:
            subprocess.run(["losetup", "--detach", device], check=True)
        sweep([unique_tag], own_directory)
        process.wait()
    assert set(check.left()) == {"files"}
    assert process.returncode == -9
    assert os.path.isdir(own_directory)


def test_what_was_there_before_is_not_held_against_anyone(unique_tag: str, own_directory: Path) -> None:
    (own_directory / "before").touch()
    check = LeakCheck([], [])
    check.watch(unique_tag, directories=[own_directory])
    check.check()
    (own_directory / "after").touch()
    assert check.left() == {"files": (str(own_directory / "after"),)}


def test_others_do_not_disturb(unique_tag: str, own_directory: Path) -> None:
    before = snapshot([f"{unique_tag}-mine"], [own_directory])
    (own_directory / "theirs").touch()
    assert diff(before, snapshot([f"{unique_tag}-mine"], [own_directory])) == {}
    assert diff(before, snapshot([""], [own_directory]))["files"]
