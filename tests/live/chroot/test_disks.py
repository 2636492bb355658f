"""Roots of every kind, further disks, and a mounter of somebody else's."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import HookConflict, OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk
from hvcore.model.instance import BlockDevice, Instance
from hvcore.plugin import hookimpl
from hvcore.system.mountinfo import mount_at, read_mounts
from hvcore.system.mounts import mount_virtual, unmount_tree
from hvcore.system.root_mounts import DefaultMounter, MountAction
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck
from hvcore_chroot.paths import ChrootPaths
from hvcore_lxc.spec import LxcSteps

pytestmark = pytest.mark.live

Start = Callable[..., Instance]


def test_an_image_is_a_root(
    chroot: Hypervisor, start: Start, make_image: Any, paths: ChrootPaths, leak_check: LeakCheck
) -> None:
    image = make_image()
    instance = start("orderly", disks=[Disk(str(image))])
    mount = mount_at(read_mounts(), str(paths.root(instance.name)))
    assert mount is not None
    assert mount.fs_type == "ext4"
    assert Path(f"/sys/block/{mount.source.rpartition('/')[2]}/loop/backing_file").read_text() == f"{image}\n"
    assert chroot.exec_in_instance(instance.name, ["touch", "/written"]).exit_status == 0
    chroot.stop_instance(instance)
    leak_check.check()


def test_a_block_device_is_a_root(
    chroot: Hypervisor, start: Start, make_image: Any, paths: ChrootPaths, leak_check: LeakCheck
) -> None:
    image = make_image()
    device = subprocess.run(
        ["losetup", "--find", "--show", image], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        instance = start("orderly", disks=[Disk(device)])
        mount = mount_at(read_mounts(), str(paths.root(instance.name)))
        assert mount is not None
        assert (mount.source, mount.fs_type) == (device, "ext4")
        chroot.stop_instance(instance)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
    leak_check.check()


def test_further_disks_have_mount_points(
    chroot: Hypervisor, start: Start, busybox_root: Callable[[], Path], make_image: Any, leak_check: LeakCheck
) -> None:
    disks = [
        Disk(str(busybox_root())),
        Disk(str(make_image("a.img", with_root=False)), mount_point="/srv/a"),
        Disk(str(busybox_root()), mount_point="/srv/a/b", read_only=True),
    ]
    instance = start("mounts", disks=disks)
    done = chroot.exec_in_instance(instance.name, ["sh", "-c", "touch /srv/a/x && ! touch /srv/a/b/x && ls /srv/a"])
    assert (done.exit_status, done.stdout.split()) == (0, [b"b", b"lost+found", b"x"])
    chroot.stop_instance(instance)
    leak_check.check()


def test_ganetis_path_with_a_colon_is_a_disk(
    chroot: Hypervisor, chroot_host: LiveHost, own_directory: Path, make_image: Any, leak_check: LeakCheck
) -> None:
    link = own_directory / "web1.example.com:0"
    link.symlink_to(make_image())
    instance = chroot_host.instance(init_script="/sbin/orderly", disks=[Disk("/dev/null")])
    chroot.start_instance(instance, [BlockDevice(disk=instance.disks[0], path=str(link))])
    chroot.stop_instance(instance)
    leak_check.check()


class InMemory:
    """A root with an upper part in memory; one class for LXC and for chroot."""

    name = "in memory"

    def __init__(self, instance: Instance, root: str) -> None:
        self._instance = instance
        self._root = root
        self._below = f"{root}.layers"

    def plan(self) -> tuple[MountAction, ...]:
        return (MountAction(self._instance.disks[0].path, self._root, "overlay"),)

    def mount(self) -> None:
        Path(self._below).mkdir(exist_ok=True)
        mount_virtual("tmpfs", self._below)
        for part in ("upper", "work"):
            Path(self._below, part).mkdir()
        lower = f"lowerdir={self._instance.disks[0].path}"
        mount_virtual("overlay", self._root, (lower, f"upperdir={self._below}/upper", f"workdir={self._below}/work"))

    def unmount(self) -> None:
        unmount_tree(self._root)
        if Path(self._below).is_dir():
            unmount_tree(self._below)
            Path(self._below).rmdir()


class InMemoryForChroot:
    @hookimpl
    def chroot_mounter(self, instance: Instance, root: str) -> InMemory | None:
        return None if instance.name.endswith("plain") else InMemory(instance, root)


class InMemoryForLxc:
    @hookimpl
    def lxc_mounter(self, instance: Instance, root: str) -> InMemory:
        return InMemory(instance, root)


def test_the_mount_step_is_an_extensions_to_override(
    chroot_host: LiveHost, paths: ChrootPaths, leak_check: LeakCheck
) -> None:
    extended = chroot_host.load(extensions=[InMemoryForChroot()])
    instance = chroot_host.instance(init_script="/sbin/orderly")
    extended.start_instance(instance)
    mount = mount_at(read_mounts(), str(paths.root(instance.name)))
    assert mount is not None
    assert mount.fs_type == "overlay"
    assert extended.exec_in_instance(instance.name, ["touch", "/only-in-memory"]).exit_status == 0
    assert not (chroot_host.root / "only-in-memory").exists()
    extended.reboot_instance(instance.name)
    extended.stop_instance(instance)
    leak_check.check()


def test_an_extension_may_decline(chroot_host: LiveHost, paths: ChrootPaths) -> None:
    extended = chroot_host.load(extensions=[InMemoryForChroot()])
    instance = chroot_host.instance("plain", init_script="/sbin/orderly")
    extended.start_instance(instance)
    mount = mount_at(read_mounts(), str(paths.root(instance.name)))
    assert mount is not None
    assert mount.fs_type != "overlay"
    extended.stop_instance(instance)


def test_one_mounter_serves_lxc_too(chroot_host: LiveHost, own_directory: Path) -> None:
    lxc = LiveHost("lxc", own_directory, chroot_host.tag, chroot_host.root).load(extensions=[InMemoryForLxc()])
    web1 = Instance("web1", "lxc", disks=[Disk(str(chroot_host.root))])
    chosen = lxc.scope.choose(LxcSteps.lxc_mounter, instance=web1, block_devices=(), root="/nowhere")
    assert isinstance(chosen, InMemory)


def test_two_extensions_need_an_order(chroot_host: LiveHost) -> None:
    class Other(InMemoryForChroot):
        pass

    with pytest.raises(HookConflict, match="chroot_mounter"):
        chroot_host.load(extensions=[InMemoryForChroot(), Other()])


def test_a_mounter_that_stops_half_way_is_unmounted(
    chroot_host: LiveHost, leak_check: LeakCheck, busybox_root: Callable[[], Path]
) -> None:
    class HalfWay(DefaultMounter):
        def mount(self) -> None:
            super().mount()
            raise OperationFailed("half way")

    class Extension:
        @hookimpl
        def chroot_mounter(
            self, instance: Instance, block_devices: tuple[BlockDevice, ...], root: str
        ) -> DefaultMounter:
            return HalfWay(instance, block_devices, root)

    with pytest.raises(OperationFailed, match="half way") as caught:
        chroot_host.load(extensions=[Extension()]).start_instance(chroot_host.instance())
    assert (caught.value.step, caught.value.undone, caught.value.left_behind) == ("mount", ("mount", "state"), ())
    leak_check.check()
