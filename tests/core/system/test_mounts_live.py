"""Mounts of the tests' own, made and taken off by the kernel of this machine."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import CommandFailed, CommandTimeout, DeviceBusy, InvalidInput, OperationFailed
from hvcore.system.mountinfo import mount_at, mounts_below, read_mounts
from hvcore.system.mounts import (
    attach_image,
    bind_mount,
    device_number,
    device_users,
    find_loop_devices,
    mount_device,
    unmount,
    unmount_tree,
)

pytestmark = pytest.mark.live

MakeImage = Callable[..., Path]
Loop = Callable[..., str]
Start = Callable[..., "subprocess.Popen[bytes]"]
Until = Callable[[Callable[[], Any]], Any]
HARD_NAMES = [
    "web1.example:0",
    "with blank",
    "a,b,ro",
    "#hash",
    "quo'te\"s",
    "back\\slash\\040",
    "gr\u00fc\u00dfe \u6771\u4eac",
    "new\nline\ttab",
    "--bind",
    b"not-utf8-\xff\xfe",
]


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


@pytest.mark.parametrize("name", HARD_NAMES)
def test_an_image_of_any_name(make_image: MakeImage, scratch: Path, until: Until, name: str | bytes) -> None:
    image = make_image(name)
    target = scratch / ("target-" + os.fsdecode(name))
    target.mkdir()
    attach_image(str(image), str(target))
    assert (target / "hello").read_text() == "from the image\n"
    assert points_below(scratch) == [str(target)]
    (loop,) = find_loop_devices(str(image))
    assert device_users(str(image)) == (f"loop device {loop}, mounted at {target}",)
    assert device_users(loop) == (f"mounted at {target}",)
    assert unmount_tree(str(target)) == (str(target),)
    until(lambda: find_loop_devices(str(image)) == ())
    assert device_users(str(image)) == ()


@pytest.mark.parametrize("name", HARD_NAMES)
def test_a_device_behind_a_link_of_any_name(make_image: MakeImage, scratch: Path, loop: Loop, name: str) -> None:
    device = loop(make_image())
    link = scratch / ("link-" + os.fsdecode(name))
    link.symlink_to(device)
    target = scratch / os.fsdecode(name)
    target.mkdir()
    mount_device(str(link), str(target))
    assert (target / "hello").read_text() == "from the image\n"
    mount = mount_at(read_mounts(), str(target))
    assert mount is not None
    assert (mount.source, mount.device, mount.propagation) == (device, device_number(str(link)), ())
    unmount(str(target))
    assert points_below(scratch) == []


def test_options_and_type_are_passed_on(make_image: MakeImage, target: Path) -> None:
    attach_image(str(make_image()), str(target), "ext4", ["ro", "noatime", "nodev"])
    mount = mount_at(read_mounts(), str(target))
    assert mount is not None
    assert {"ro", "noatime", "nodev"} <= set(mount.options)
    unmount(str(target))


def test_nothing_is_noted_outside_the_kernel(make_image: MakeImage, target: Path) -> None:
    notes = Path("/run/mount/utab")
    attach_image(str(make_image()), str(target), options=["x-noted"])
    assert str(target) not in (notes.read_text() if notes.exists() else "")
    unmount(str(target))


def test_an_image_is_not_mounted_twice(make_image: MakeImage, target: Path, scratch: Path) -> None:
    image = make_image()
    (scratch / "other").mkdir()
    os.link(image, scratch / "second-name")
    attach_image(str(image), str(target))
    for name in (str(image), str(scratch / "second-name")):
        with pytest.raises(DeviceBusy, match=re.escape(f"mounted at {target}")) as caught:
            attach_image(name, str(scratch / "other"))
        assert caught.value.resolution
    assert points_below(scratch) == [str(target)]
    unmount(str(target))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests may have copies of the mounts for longer than a container that is being started has."""
    monkeypatch.setattr("hvcore.system.mounts._RELEASE_TIMEOUT_S", 20.0)


@pytest.mark.usefixtures("patient")
def test_a_loop_device_that_is_about_to_vanish_is_waited_for(make_image: MakeImage, target: Path) -> None:
    image = make_image()
    attach_image(str(image), str(target))
    (loop,) = find_loop_devices(str(image))
    # As udev may: look at the device while the image is unmounted.
    looking = os.open(loop, os.O_RDONLY)
    unmount(str(target))
    assert device_users(str(image)) != ()
    closing = threading.Timer(0.05, os.close, [looking])
    closing.start()
    attach_image(str(image), str(target))
    closing.join()
    unmount(str(target))


def test_a_device_is_not_mounted_twice(make_image: MakeImage, target: Path, scratch: Path, loop: Loop) -> None:
    image = make_image()
    device = loop(image)
    (scratch / "other").mkdir()
    assert device_users(device) == ()
    assert device_users(str(image)) == (f"loop device {device}",)
    mount_device(device, str(target))
    with pytest.raises(DeviceBusy, match=re.escape(f"{device} is in use: mounted at {target}")):
        mount_device(device, str(scratch / "other"))
    with pytest.raises(DeviceBusy, match=re.escape(f"{image} is in use: loop device {device}, mounted at {target}")):
        attach_image(str(image), str(scratch / "other"))
    unmount(str(target))


def test_a_device_that_another_mount_namespace_uses(
    make_image: MakeImage,
    target: Path,
    loop: Loop,
    start: Start,
    until: Until,
    need: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need("unshare")
    device = loop(make_image())
    inside = start("unshare", "--mount", "sh", "-c", f"mount {device} '{target}' && echo mounted && read line")
    assert inside.stdout is not None
    assert inside.stdout.readline() == b"mounted\n"
    assert points_below(target) == []
    monkeypatch.setattr("hvcore.system.mounts._RELEASE_TIMEOUT_S", 0.05)
    with pytest.raises(DeviceBusy, match=f"mounted at {target} in the mount namespace of process {inside.pid}"):
        mount_device(device, str(target))
    inside.communicate(b"\n", timeout=20)
    until(lambda: device_users(device) == ())


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("as_image", [True, False])
def test_the_copy_of_a_mount_that_a_starting_container_has_is_waited_for(
    make_image: MakeImage, target: Path, loop: Loop, start: Start, need: Callable[..., None], as_image: bool
) -> None:
    need("unshare")
    image = make_image()
    source = str(image) if as_image else loop(image)
    mount = attach_image if as_image else mount_device
    mount(source, str(target))
    inside = start("unshare", "--mount", "sh", "-c", "echo ready && read line")
    assert inside.stdout is not None
    assert inside.stdout.readline() == b"ready\n"
    unmount(str(target))
    assert device_users(source) != ()
    ending = threading.Timer(0.05, inside.kill)
    ending.start()
    mount(source, str(target))
    ending.join()
    unmount(str(target))


def test_a_file_system_with_device_numbers_of_its_own(
    scratch: Path, target: Path, loop: Loop, until: Until, need: Callable[..., None]
) -> None:
    need("mkfs.btrfs")
    image = scratch / "btrfs.img"
    image.touch()
    os.truncate(image, 128 << 20)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True)
    device = loop(image)
    mount_device(device, str(target))
    mount = mount_at(read_mounts(), str(target))
    assert mount is not None
    assert mount.device.startswith("0:")
    assert device_users(device) == (f"mounted at {target}",)
    unmount(str(target))
    until(lambda: device_users(device) == ())


def test_partitions_and_their_disk(
    make_image: MakeImage, scratch: Path, target: Path, loop: Loop, until: Until, need: Callable[..., None]
) -> None:
    need("sfdisk", "partx")
    disk = scratch / "disk"
    disk.write_bytes(bytes(1 << 20) + make_image().read_bytes() + bytes(2 << 20))
    subprocess.run(["sfdisk", "-q", disk], input=b"start=2048,size=4096\nstart=6144,size=2048\n", check=True)
    device = loop(disk, "-P")
    subprocess.run(["partx", "-u", device], check=True)
    mount_device(f"{device}p1", str(target))
    assert device_users(f"{device}p1") == (f"mounted at {target}",)
    assert device_users(device) == (f"mounted at {target}",)
    assert device_users(f"{device}p2") == ()
    assert device_users(str(disk)) == (f"loop device {device}, mounted at {target}",)
    unmount(str(target))
    until(lambda: device_users(device) == ())
    (scratch / "whole").mkdir()
    subprocess.run(["mke2fs", "-q", "-F", device], check=True)
    mount_device(device, str(scratch / "whole"))
    assert device_users(f"{device}p2") == (f"mounted at {scratch}/whole",)
    unmount(str(scratch / "whole"))


def test_loop_devices_are_found_by_the_file_and_not_by_its_name(
    make_image: MakeImage, scratch: Path, loop: Loop
) -> None:
    image = make_image()
    device = loop(image)
    os.link(image, scratch / "second name")
    image.rename(scratch / "moved")
    assert find_loop_devices(str(scratch / "second name")) == (device,)
    other = make_image()
    assert other == image
    assert find_loop_devices(str(other)) == ()
    with open(scratch / "moved", "rb") as file:
        (scratch / "moved").unlink()
        (scratch / "second name").unlink()
        assert find_loop_devices(f"/proc/self/fd/{file.fileno()}") == (device,)
    assert find_loop_devices(str(other)) == ()


def test_loop_devices_in_the_order_of_their_numbers(make_image: MakeImage, loop: Loop) -> None:
    image = make_image()
    devices = [loop(image) for _ in range(3)]
    assert find_loop_devices(str(image)) == tuple(sorted(devices, key=lambda name: int(name.removeprefix("/dev/loop"))))


def test_an_image_without_a_file_system(scratch: Path, target: Path, until: Until) -> None:
    image = scratch / "zeros"
    image.write_bytes(bytes(1 << 20))
    with pytest.raises(CommandFailed, match=re.escape(f"{image} cannot be mounted at {target}: mount: ")) as caught:
        attach_image(str(image), str(target))
    assert caught.value.command[0] == "mount"
    assert caught.value.status == 32
    assert "blkid" in (caught.value.resolution or "")
    until(lambda: find_loop_devices(str(image)) == ())


@pytest.mark.parametrize("completes", [True, False])
def test_a_mount_that_completes_after_its_time_is_taken_off_again(
    make_image: MakeImage, target: Path, monkeypatch: pytest.MonkeyPatch, completes: bool
) -> None:
    image = make_image()

    def run_too_long(argv: list[str], timeout_s: float) -> None:
        if completes:
            subprocess.run(argv, check=True)
        raise CommandTimeout("mount did not finish", command=argv)

    monkeypatch.setattr("hvcore.system.commands.run", run_too_long)
    with pytest.raises(CommandTimeout):
        attach_image(str(image), str(target))
    assert points_below(target) == []


def test_a_device_that_can_only_be_read(make_image: MakeImage, target: Path, loop: Loop) -> None:
    device = loop(make_image(), "--read-only")
    with pytest.raises(CommandFailed, match="write-protected"):
        mount_device(device, str(target))
    assert points_below(target) == []
    mount_device(device, str(target), options=["ro"])
    unmount(str(target))


def test_sources_that_are_not_what_they_should_be(make_image: MakeImage, scratch: Path, target: Path) -> None:
    image = make_image()
    with pytest.raises(OperationFailed, match=f"{image} is not a block device"):
        mount_device(str(image), str(target))
    with pytest.raises(OperationFailed, match=f"{scratch}/missing cannot be looked at: No such file"):
        mount_device(f"{scratch}/missing", str(target))
    for path in (f"{scratch}/missing", str(scratch), "/dev/null"):
        with pytest.raises(OperationFailed, match=f"{path} is not a regular file"):
            attach_image(path, str(target))
    with pytest.raises(OperationFailed, match="/dev/null is not a block device"):
        device_users("/dev/null")


def test_a_target_that_does_not_exist(make_image: MakeImage, scratch: Path) -> None:
    with pytest.raises(CommandFailed, match="mount point does not exist"):
        attach_image(str(make_image()), f"{scratch}/missing")
    with pytest.raises(OperationFailed, match="No such file or directory") as caught:
        bind_mount(str(scratch), f"{scratch}/missing")
    assert "create" in (caught.value.resolution or "")


def test_an_option_cannot_smuggle_in_another(make_image: MakeImage, target: Path) -> None:
    with pytest.raises(InvalidInput, match="comma"):
        attach_image(str(make_image()), str(target), options=["ro,suid"])
    assert points_below(target) == []


def test_symbolic_links_in_a_target_are_refused(make_image: MakeImage, scratch: Path, target: Path) -> None:
    image = str(make_image())
    (target / "victim").mkdir()
    (scratch / "link").symlink_to(target)
    for path in (f"{scratch}/link", f"{scratch}/link/victim"):
        for verb in (
            lambda path: attach_image(image, path),
            lambda path: bind_mount(str(scratch), path),
            unmount,
            unmount_tree,
        ):
            with pytest.raises(OperationFailed, match="symbolic link"):
                verb(path)
    assert points_below(scratch) == []


def test_mounts_below_a_mounted_image_do_not_propagate(make_image: MakeImage, scratch: Path) -> None:
    shared = tmpfs(scratch / "shared", "--make-shared")
    (shared / "root").mkdir()
    attach_image(str(make_image()), f"{shared}/root")
    mount = mount_at(read_mounts(), f"{shared}/root")
    assert mount is not None
    assert mount.propagation == ()
    unmount_tree(str(shared))
