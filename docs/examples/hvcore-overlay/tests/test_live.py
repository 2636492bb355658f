"""Volatile roots in real containers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import hvcore
from hvcore.errors import OperationFailed
from hvcore.system import mounts_below, read_mounts, run
from hvcore.testing.fixtures import LiveHost

pytestmark = pytest.mark.live

MARK = "etc/changed"


@pytest.fixture
def root(busybox_root: Callable[[], Path]) -> Path:
    """A guest's root with an init that ends as soon as it is asked to."""
    made = busybox_root()
    (made / "sbin" / "quick").write_text(
        "#!/bin/sh\ntrap 'exit 0' USR2 TERM PWR\nwhile :; do sleep 86400 & wait $!; done\n"
    )
    (made / "sbin" / "quick").chmod(0o755)
    return made


@pytest.fixture
def start(lxc_host: LiveHost) -> Callable[..., str]:
    def start(*disks: hvcore.Disk, paused: bool = False, **parameters: str | int) -> str:
        wanted = {"volatile": True, "init": "/sbin/quick", **parameters}
        instance = lxc_host.instance(disks=disks, **wanted)
        lxc_host.hypervisor.start_instance(instance, startup_paused=paused)
        return instance.name

    return start


def in_guest(host: LiveHost, name: str, *command: str) -> int:
    return host.hypervisor.exec_in_instance(name, command).exit_status


def test_changes_are_seen_and_gone_after_the_stop(lxc_host: LiveHost, root: Path, start: Callable[..., str]) -> None:
    before = sorted(path.relative_to(root) for path in root.rglob("*"))
    name = start(hvcore.Disk(str(root)))
    assert in_guest(lxc_host, name, "touch", f"/{MARK}") == 0
    assert in_guest(lxc_host, name, "rm", "/etc/passwd") == 0
    lxc_host.hypervisor.stop_instance(name)
    assert sorted(path.relative_to(root) for path in root.rglob("*")) == before
    start(hvcore.Disk(str(root)))
    assert in_guest(lxc_host, name, "test", "-e", f"/{MARK}") == 1
    assert in_guest(lxc_host, name, "test", "-e", "/etc/passwd") == 0


def test_changes_outlive_a_reboot_and_a_pause(lxc_host: LiveHost, root: Path, start: Callable[..., str]) -> None:
    name = start(hvcore.Disk(str(root)))
    in_guest(lxc_host, name, "touch", f"/{MARK}")
    lxc_host.hypervisor.pause_instance(name)
    lxc_host.hypervisor.resume_instance(name)
    assert in_guest(lxc_host, name, "test", "-e", f"/{MARK}") == 0
    lxc_host.hypervisor.reboot_instance(name)
    assert in_guest(lxc_host, name, "test", "-e", f"/{MARK}") == 0
    assert not (root / MARK).exists()


def test_the_root_of_an_image_is_never_written(
    lxc_host: LiveHost, root: Path, own_directory: Path, start: Callable[..., str]
) -> None:
    image = own_directory / "root.img"
    run(["truncate", "-s", "16M", str(image)], timeout_s=30)
    run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(root), str(image)], timeout_s=60)
    before = image.read_bytes()
    name = start(hvcore.Disk(str(image)))
    assert in_guest(lxc_host, name, "touch", f"/{MARK}") == 0
    lxc_host.hypervisor.stop_instance(name, force=True)
    assert image.read_bytes() == before


def test_other_disks_keep_what_is_written(
    lxc_host: LiveHost, root: Path, own_directory: Path, start: Callable[..., str]
) -> None:
    data = own_directory / "data"
    data.mkdir()
    name = start(hvcore.Disk(str(root)), hvcore.Disk(str(data), mount_point="/srv/data"))
    assert in_guest(lxc_host, name, "touch", "/srv/data/kept") == 0
    lxc_host.hypervisor.stop_instance(name, force=True)
    assert [path.name for path in data.iterdir()] == ["kept"]
    assert not (root / "srv").exists()


def test_changes_take_no_more_memory_than_allowed(lxc_host: LiveHost, root: Path, start: Callable[..., str]) -> None:
    name = start(hvcore.Disk(str(root)), volatile_size_mib=4)
    assert in_guest(lxc_host, name, "dd", "if=/dev/zero", "of=/big", "bs=1M", "count=2") == 0
    assert in_guest(lxc_host, name, "dd", "if=/dev/zero", "of=/big", "bs=1M", "count=8") != 0


def test_another_process_stops_what_this_one_started(lxc_host: LiveHost, root: Path, start: Callable[..., str]) -> None:
    name = start(hvcore.Disk(str(root)), paused=True)
    assert mounts_below(read_mounts(), str(lxc_host.state_dir))
    lxc_host.load().stop_instance(name, force=True)
    assert not mounts_below(read_mounts(), str(lxc_host.state_dir))


def test_a_start_that_fails_takes_the_mounts_off(lxc_host: LiveHost, root: Path, start: Callable[..., str]) -> None:
    with pytest.raises(OperationFailed) as caught:
        start(hvcore.Disk(str(root)), init="/sbin/none")
    assert "mount" in caught.value.undone
    assert caught.value.left_behind == ()
    assert not mounts_below(read_mounts(), str(lxc_host.state_dir))
