"""Roots and further disks: directories, block devices and images, and what admins mount below them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import DeviceBusy, InvalidInput, OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import BlockDevice, Disk
from hvcore.model.instance import Instance
from hvcore.system.mountinfo import mounts_below, read_mounts
from hvcore.testing.fixtures import LiveHost
from hvcore_lxc.paths import LxcPaths

pytestmark = pytest.mark.live

Running = Callable[..., Instance]
AWKWARD = [
    "with:colon",
    "with blank",
    "a,b,ro",
    "#hash",
    "quo'te\"s",
    "gr\u00fc\u00dfe \u6771\u4eac",
    "back\\slash",
    "-dash",
]


@pytest.fixture
def loop(leak_check: Any) -> Iterator[Callable[[Path], str]]:
    """Attach an image to a loop device of the test's own."""
    devices: list[str] = []

    def attach(image: Path) -> str:
        said = subprocess.run(["losetup", "--find", "--show", image], check=True, capture_output=True, text=True)
        devices.append(said.stdout.strip())
        return devices[-1]

    yield attach
    for device in devices:
        subprocess.run(["losetup", "--detach", device], check=True)


def points(paths: LxcPaths, name: str) -> list[str]:
    return [mount.mount_point for mount in mounts_below(read_mounts(), str(paths.root(name)))]


def loops_of(image: Path) -> list[str]:
    return [
        path.parent.parent.name
        for path in Path("/sys/block").glob("loop*/loop/backing_file")
        if path.read_text().rstrip("\n") == str(image)
    ]


def test_a_directory_as_root(lxc: Hypervisor, running: Running, busybox_root: Any, paths: LxcPaths) -> None:
    root = busybox_root()
    instance = running(disks=[Disk(str(root))])
    lxc.exec_in_instance(instance.name, ["sh", "-c", "echo from the guest > /note"])
    assert (root / "note").read_text() == "from the guest\n"
    lxc.stop_instance(instance.name, force=True)
    assert (root / "note").exists()
    assert points(paths, instance.name) == []


def test_an_image_file_as_root(
    lxc: Hypervisor, running: Running, make_image: Any, paths: LxcPaths, leak_check: Any
) -> None:
    image = make_image()
    instance = running(disks=[Disk(str(image))])
    lxc.exec_in_instance(instance.name, ["sh", "-c", "echo kept > /note"])
    [device] = loops_of(image)
    lxc.stop_instance(instance.name, force=True)
    assert loops_of(image) == [], device
    leak_check.check()
    lxc.start_instance(instance)
    assert lxc.exec_in_instance(instance.name, ["cat", "/note"]).stdout == b"kept\n"


def test_a_block_device_as_root(
    lxc: Hypervisor, running: Running, make_image: Any, loop: Any, paths: LxcPaths, own_directory: Path
) -> None:
    device = loop(make_image())
    link = own_directory / "instance-disks:0"
    link.symlink_to(device)
    instance = running(disks=[Disk(str(link))])
    assert lxc.exec_in_instance(instance.name, ["sh", "-c", "echo x > /note && cat /note"]).stdout == b"x\n"
    [mount] = mounts_below(read_mounts(), str(paths.root(instance.name)))
    assert mount.fs_type == "ext4"
    lxc.stop_instance(instance.name, timeout_s=20)
    assert points(paths, instance.name) == []


def test_block_devices_that_are_handed_over_replace_the_paths(
    lxc: Hypervisor, lxc_host: LiveHost, busybox_root: Any, own_directory: Path, paths: LxcPaths
) -> None:
    disk = Disk("/nowhere/at/all")
    root = busybox_root()
    link = own_directory / "web:0"
    link.symlink_to(root)
    instance = lxc_host.instance(disks=[disk], init="/sbin/quick")
    lxc.start_instance(instance, [BlockDevice(disk=disk, path=str(link))])
    lxc.exec_in_instance(instance.name, ["touch", "/here"])
    assert (root / "here").exists()
    lxc.reboot_instance(instance.name)
    assert lxc.exec_in_instance(instance.name, ["test", "-f", "/here"]).exit_status == 0


def test_several_disks_with_mount_points(
    lxc: Hypervisor,
    running: Running,
    busybox_root: Any,
    make_image: Any,
    loop: Any,
    own_directory: Path,
    paths: LxcPaths,
) -> None:
    data = own_directory / "data"
    (data / "deep").mkdir(parents=True)
    image, device = make_image("two.img", with_root=False), loop(make_image("three.img", with_root=False))
    instance = running(
        disks=[
            Disk(str(busybox_root())),
            Disk(str(data), mount_point="/srv"),
            Disk(str(image), mount_point="/srv/deep"),
            Disk(device, mount_point="/var/lib/db"),
        ],
    )
    script = "for d in / /srv /srv/deep /var/lib/db; do echo $d > $d/where; done"
    assert lxc.exec_in_instance(instance.name, ["sh", "-c", script]).exit_status == 0
    assert (data / "where").read_text() == "/srv\n"
    seen = lxc.exec_in_instance(instance.name, ["cat", "/proc/mounts"]).stdout.decode().split()
    assert {"/srv", "/srv/deep", "/var/lib/db"} <= set(seen)
    root = str(paths.root(instance.name))
    assert set(points(paths, instance.name)) == {root, f"{root}/srv", f"{root}/srv/deep", f"{root}/var/lib/db"}
    lxc.stop_instance(instance.name, force=True)
    assert points(paths, instance.name) == []
    assert loops_of(image) == []


@pytest.mark.parametrize("kind", ["directory", "image", "block"])
def test_a_read_only_disk_stays_as_it_is(
    lxc: Hypervisor, running: Running, busybox_root: Any, make_image: Any, loop: Any, own_directory: Path, kind: str
) -> None:
    if kind == "directory":
        (own_directory / "data").mkdir()
        path = str(own_directory / "data")
    else:
        image = make_image("data.img", with_root=False)
        path = str(image) if kind == "image" else loop(image)
    before = Path(path).read_bytes() if kind == "image" else b""
    instance = running(disks=[Disk(str(busybox_root())), Disk(path, mount_point="/data", read_only=True)])
    done = lxc.exec_in_instance(instance.name, ["touch", "/data/x"])
    assert b"Read-only file system" in done.stderr
    # Without the right to mount, the guest cannot make it writable either.
    done = lxc.exec_in_instance(instance.name, ["mount", "-o", "remount,rw", "/data"])
    assert done.exit_status != 0
    lxc.stop_instance(instance.name, force=True)
    assert kind != "image" or Path(path).read_bytes() == before


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("kind", ["directory", "image"])
def test_awkward_paths(
    lxc: Hypervisor,
    running: Running,
    busybox_root: Any,
    make_image: Any,
    own_directory: Path,
    leak_check: Any,
    name: str,
    kind: str,
) -> None:
    if kind == "directory":
        path = busybox_root().rename(own_directory / name)
        (path / "note").write_text(name)
    else:
        path = make_image("./" + name)
    instance = running(disks=[Disk(str(path))])
    if kind == "directory":
        assert lxc.exec_in_instance(instance.name, ["cat", "/note"]).stdout.decode() == name
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()


@pytest.mark.parametrize("name", ["with blank", "#hash", "colon:", "quo'te", "gr\u00fc\u00dfe"])
def test_an_awkward_state_directory(own_directory: Path, lxc_host: LiveHost, name: str, leak_check: Any) -> None:
    import hvcore

    state = own_directory / name
    lxc = hvcore.load(state_dir=state, log_dir=own_directory / f"{name}.log").hypervisor("lxc")
    instance = lxc_host.instance(init="/sbin/quick")
    for paused in (False, True):
        lxc.start_instance(instance, startup_paused=paused)
        try:
            if paused:
                lxc.resume_instance(instance.name)
            assert lxc.list_instances() == (instance.name,)
            assert lxc.exec_in_instance(instance.name, ["hostname"]).stdout.decode().strip() == instance.name
            lxc.reboot_instance(instance.name)
        finally:
            lxc.stop_instance(instance.name, force=True)
    leak_check.check()


def test_what_admins_mount_below_the_root_is_taken_down_deepest_first(
    lxc: Hypervisor, running: Running, busybox_root: Any, paths: LxcPaths, leak_check: Any
) -> None:
    instance = running(disks=[Disk(str(busybox_root()))])
    root = paths.root(instance.name)
    for place in ("mnt", "mnt/a", "mnt/a/b", "mnt/a", "tmp"):
        (root / place).mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", root / place], check=True)
    assert len(points(paths, instance.name)) == 6
    lxc.stop_instance(instance.name, force=True)
    assert points(paths, instance.name) == []
    leak_check.check()


def test_a_busy_mount_at_stop_names_the_process_and_a_later_cleanup_finishes(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, busybox_root: Any, paths: LxcPaths, leak_check: Any
) -> None:
    instance = running(disks=[Disk(str(busybox_root()))])
    holder = subprocess.Popen(["sleep", "1000"], cwd=paths.root(instance.name) / "mnt")
    try:
        with pytest.raises(DeviceBusy) as caught:
            lxc.stop_instance(instance.name, force=True)
    finally:
        assert lxc.get_instance_info(instance.name) is None
        holder.kill()
        holder.wait()
    error = caught.value
    assert (error.step, error.code) == ("mount", "operation.device-busy")
    assert any(f"process {holder.pid} (sleep)" in line for line in error.details), error.explain()
    assert {"container", "cgroups", "config"} <= set(error.undone)
    assert any(line.startswith("mount") for line in error.left_behind)
    # The definition is kept as long as there is something to undo with it.
    assert paths.definition(instance.name).is_file()
    lxc_host.load().cleanup_instance(instance.name)
    leak_check.check()


@pytest.mark.parametrize("kind", ["image", "block"])
def test_what_is_mounted_elsewhere_is_not_mounted_twice(
    lxc: Hypervisor,
    lxc_host: LiveHost,
    make_image: Any,
    loop: Any,
    own_directory: Path,
    paths: LxcPaths,
    kind: str,
) -> None:
    image = make_image()
    path = str(image) if kind == "image" else loop(image)
    elsewhere = own_directory / "elsewhere"
    elsewhere.mkdir()
    subprocess.run(["mount", *(["-o", "loop"] if kind == "image" else []), path, elsewhere], check=True)
    try:
        with pytest.raises(DeviceBusy) as caught:
            lxc.start_instance(lxc_host.instance(disks=[Disk(path)]))
    finally:
        subprocess.run(["umount", elsewhere], check=True)
    assert any(f"mounted at {elsewhere}" in line for line in caught.value.details), caught.value.explain()
    assert caught.value.resolution
    assert caught.value.left_behind == ()
    assert not paths.instance_dir(caught.value.instance or "").exists()


def test_two_instances_cannot_have_one_image(
    lxc: Hypervisor, lxc_host: LiveHost, running: Running, make_image: Any, paths: LxcPaths
) -> None:
    image = make_image()
    first = running("first", disks=[Disk(str(image))])
    with pytest.raises(DeviceBusy) as caught:
        lxc.start_instance(lxc_host.instance("second", disks=[Disk(str(image))]))
    assert str(paths.root(first.name)) in " ".join(caught.value.details)
    assert lxc.exec_in_instance(first.name, ["true"]).exit_status == 0


def test_two_instances_may_share_a_directory(lxc: Hypervisor, running: Running) -> None:
    names = {running(word).name for word in ("first", "second")}
    assert set(lxc.list_instances()) == names


def test_a_mount_point_must_not_lead_out_of_the_guest(
    lxc: Hypervisor, lxc_host: LiveHost, busybox_root: Any, own_directory: Path, leak_check: Any
) -> None:
    root = busybox_root()
    outside = own_directory / "outside"
    outside.mkdir()
    (root / "srv").symlink_to(outside)
    instance = lxc_host.instance(disks=[Disk(str(root)), Disk(str(lxc_host.root), mount_point="/srv/data")])
    with pytest.raises(OperationFailed, match="symbolic link") as caught:
        lxc.start_instance(instance)
    assert caught.value.step == "mount"
    assert list(outside.iterdir()) == []
    leak_check.check()


def test_an_instance_without_a_disk_is_refused(lxc: Hypervisor, lxc_host: LiveHost, leak_check: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        lxc.start_instance(lxc_host.instance(disks=[]))
    assert caught.value.key == "disks"
    leak_check.check()
