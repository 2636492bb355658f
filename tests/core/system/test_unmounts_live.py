"""Taking mounts off again, and naming who keeps them busy; on mounts of the tests' own."""

from __future__ import annotations

import mmap
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import DeviceBusy, InvalidInput, OperationFailed
from hvcore.system.block_devices import find_loop_devices
from hvcore.system.mount_holders import find_holders
from hvcore.system.mountinfo import mounts_below, read_mounts
from hvcore.system.mounts import unmount, unmount_tree

pytestmark = pytest.mark.live

Loop = Callable[..., str]
Start = Callable[..., "subprocess.Popen[bytes]"]
Until = Callable[[Callable[[], Any]], Any]


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


def test_what_is_not_mounted_cannot_be_unmounted(target: Path) -> None:
    with pytest.raises(OperationFailed, match=f"{target} cannot be unmounted: Invalid argument") as caught:
        unmount(str(target))
    assert "mount point" in (caught.value.resolution or "")
    assert unmount_tree(str(target)) == ()
    assert unmount_tree(f"{target}/missing") == ()


@pytest.mark.parametrize("path", ["/", "//", "/."])
def test_the_root_directory_is_never_unmounted(path: str) -> None:
    with pytest.raises(InvalidInput):
        unmount_tree(path)


def test_a_tree_with_stacked_and_hidden_mounts(scratch: Path) -> None:
    inst1 = tmpfs(scratch / "inst1")
    inst10 = tmpfs(scratch / "inst10")
    tmpfs(inst1 / "a")
    tmpfs(inst1 / "a" / "b c")
    tmpfs(inst1 / "a")
    tmpfs(inst1 / "a" / "x")
    tmpfs(inst1)
    tmpfs(inst1 / "a")
    done = unmount_tree(str(inst1))
    assert sorted(done) == sorted(f"{inst1}{name}" for name in ("", "", "/a", "/a", "/a", "/a/b c", "/a/x"))
    assert points_below(scratch) == [str(inst10)]
    unmount(str(inst10))


def test_a_mount_that_was_moved_onto_a_later_one(scratch: Path) -> None:
    first = tmpfs(scratch / "first")
    second = tmpfs(scratch / "second")
    (second / "inner").mkdir()
    subprocess.run(["mount", "--move", first, second / "inner"], check=True)
    assert unmount_tree(str(second)) == (f"{second}/inner", str(second))


@pytest.fixture
def busy(target: Path, start: Start) -> Callable[[str], Any]:
    """Make a process that uses a mount at the target in one way."""
    tmpfs(target)
    (target / "file").write_text("content")
    scripts = {
        "cwd": "import os; os.chdir(path)",
        "root": "import os; os.chroot(path)",
        "fd": "file = open(path + '/file')",
        "map": "import mmap; f = open(path + '/file', 'r+b'); m = mmap.mmap(f.fileno(), 0); f.close()",
    }

    def begin(way: str) -> Any:
        script = f"import sys; path = sys.argv[1]; {scripts[way]}; print('ready', flush=True); sys.stdin.readline()"
        process = start(str(target), python=script)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    return begin


@pytest.mark.parametrize("way", ["cwd", "root", "fd", "map"])
@pytest.mark.parametrize("verb", [unmount, unmount_tree])
def test_who_keeps_a_mount_busy_is_named(
    target: Path, busy: Callable[[str], Any], way: str, verb: Callable[[str], object]
) -> None:
    process = busy(way)
    with pytest.raises(
        DeviceBusy, match=rf"{target} cannot be unmounted: .*busy; in use by python.*\[{process.pid}\]"
    ) as caught:
        verb(str(target))
    (line,) = caught.value.details
    assert re.fullmatch(rf"process {process.pid} \(python[\d.]*\): .*\b{way}\b.*", line)
    assert caught.value.left_behind == (f"mount {target}",)
    assert points_below(target) == [str(target)]
    process.communicate(b"\n", timeout=20)
    verb(str(target))
    assert points_below(target) == []


def test_a_busy_mount_that_hides_others_is_the_one_named(
    scratch: Path, target: Path, busy: Callable[[str], Any]
) -> None:
    for name in ("a", "a/b", ""):
        tmpfs(target / name)
    process = busy("cwd")
    with pytest.raises(DeviceBusy, match=rf"{target} cannot be unmounted: .*\[{process.pid}\]"):
        unmount_tree(str(target))
    process.communicate(b"\n", timeout=20)
    assert len(unmount_tree(str(target))) == 4


@pytest.mark.parametrize("verb", [unmount, unmount_tree])
def test_somebody_who_only_looks_is_waited_for(target: Path, verb: Callable[[str], object], monkeypatch: Any) -> None:
    tmpfs(target)
    looking = [os.open(target, os.O_RDONLY)]

    def look_away(mounts: Any) -> tuple[()]:
        os.close(looking.pop())
        return ()

    monkeypatch.setattr("hvcore.system.mounts.find_holders", look_away)
    verb(str(target))
    assert looking == []
    assert points_below(target) == []


def test_a_mount_below_is_named(target: Path) -> None:
    tmpfs(target)
    tmpfs(target / "below")
    with pytest.raises(
        DeviceBusy, match=re.escape(f"{target} cannot be unmounted: Device or resource busy; in use by")
    ) as caught:
        unmount(str(target))
    assert caught.value.details == (f"mount {target}/below",)
    unmount_tree(str(target))


def test_a_mount_that_the_kernel_itself_uses(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmpfs(target)
    monkeypatch.setattr("hvcore.system.mounts.find_holders", lambda mounts: ())
    with open(target / "file", "w"), pytest.raises(DeviceBusy, match="no process") as caught:
        unmount_tree(str(target))
    assert "swap" in (caught.value.resolution or "")
    unmount_tree(str(target))


def test_what_is_not_busy_below_a_busy_mount_is_unmounted(target: Path, busy: Callable[[str], Any]) -> None:
    process = busy("cwd")
    tmpfs(target / "below")
    with pytest.raises(DeviceBusy) as caught:
        unmount_tree(str(target))
    assert caught.value.left_behind == (f"mount {target}",)
    process.communicate(b"\n", timeout=20)
    assert unmount_tree(str(target)) == (str(target),)


def test_an_image_on_a_mount_keeps_it_busy(target: Path, loop: Loop, until: Until) -> None:
    tmpfs(target)
    (target / "image").write_bytes(bytes(8192))
    device = loop(target / "image")
    with pytest.raises(DeviceBusy, match=re.escape(f"in use by loop device {device} ({target}/image)")):
        unmount_tree(str(target))
    subprocess.run(["losetup", "--detach", device], check=True)
    until(lambda: find_loop_devices(f"{target}/image") == ())
    assert unmount_tree(str(target)) == (str(target),)


def test_the_same_path_in_another_mount_namespace_holds_nothing(
    target: Path, start: Start, need: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    need("unshare")
    tmpfs(target)
    mounts = mounts_below(read_mounts(), str(target))
    inside = start("unshare", "--mount", "sh", "-c", f"cd '{target}' && echo ready && read line")
    assert inside.stdout is not None
    assert inside.stdout.readline() == b"ready\n"
    assert os.readlink(f"/proc/{inside.pid}/cwd") == str(target)
    opened: list[str] = []
    real_open = os.open

    def record(path: str, flags: int) -> int:
        if flags & os.O_PATH:
            opened.append(os.readlink(path))
        return real_open(path, flags)

    with monkeypatch.context() as patch:
        patch.setattr("os.open", record)
        assert find_holders(mounts) == ()
    # What is opened is kept busy, so nothing that lies elsewhere may be.
    assert opened == [str(target)]
    with open(target / "own", "wb+") as file:
        file.write(bytes(mmap.PAGESIZE))
        assert [(holder.pid, holder.uses) for holder in find_holders(mounts)] == [
            (os.getpid(), (f"fd {file.fileno()}",))
        ]
    unmount(str(target))
