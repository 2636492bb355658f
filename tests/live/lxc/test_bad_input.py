"""Definitions that cannot work: every one is refused or fails with the reason, and leaves nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import CommandFailed, HypervisorError, InvalidInput, InvalidParameter, OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.disk import Disk, DiskKind
from hvcore.model.instance import Instance
from hvcore.model.nic import Nic
from hvcore.testing.fixtures import LiveHost
from hvcore.testing.leaks import LeakCheck
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.steps import STEPS

pytestmark = pytest.mark.live


class Refusals:
    """Starts that must fail, with nothing left and the name free for the next start."""

    def __init__(self, lxc: Hypervisor, lxc_host: LiveHost, leak_check: LeakCheck) -> None:
        self._lxc = lxc
        self._lxc_host = lxc_host
        self._leak_check = leak_check

    def __call__(
        self, instance: Instance, kind: type[HypervisorError], *, step: str | None = None, paused: bool = False
    ) -> HypervisorError:
        with pytest.raises(kind) as caught:
            self._lxc.start_instance(instance, startup_paused=paused)
        error = caught.value
        assert type(error) is kind, error.explain()
        assert (error.code, error.step) == (kind.code, step)
        assert (error.hypervisor, error.operation, error.instance) == ("lxc", "start_instance", instance.name)
        assert error.resolution or getattr(error, "allowed", None), error.explain()
        assert error.undone == (() if step is None else STEPS[STEPS.index(step) :: -1])
        assert error.left_behind == ()
        self._leak_check.check()
        assert self._lxc.recover().recoveries == ()
        self._starts_when_it_is_right()
        return error

    def _starts_when_it_is_right(self) -> None:
        right = self._lxc_host.instance(init="/sbin/quick")
        self._lxc.start_instance(right)
        self._lxc.stop_instance(right.name, force=True)
        self._leak_check.check()


@pytest.fixture
def refused(lxc: Hypervisor, lxc_host: LiveHost, leak_check: LeakCheck) -> Refusals:
    return Refusals(lxc, lxc_host, leak_check)


# -- the guest's init --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize(("mode", "words"), [(None, "No such file"), (0o644, "Permission denied")])
def test_an_init_that_cannot_be_run(
    lxc_host: LiveHost,
    busybox_root: Callable[[], Path],
    refused: Refusals,
    mode: int | None,
    words: str,
    paused: bool,
) -> None:
    root = busybox_root()
    if mode is not None:
        (root / "sbin" / "broken").write_text("#!/bin/sh\nexec sleep 86400\n")
        (root / "sbin" / "broken").chmod(mode)
    instance = lxc_host.instance(init="/sbin/broken", disks=[Disk(str(root))])
    # A paused start sees the init's process end before lxc-start says that it failed.
    kind = OperationFailed if paused else CommandFailed
    error = refused(instance, kind, step="container", paused=paused)
    assert any(line.startswith("lxc: ") and words in line for line in error.details), error.explain()


def test_an_init_that_ends_at_once(lxc_host: LiveHost, refused: Refusals) -> None:
    error = refused(lxc_host.instance(init="/sbin/dies-soon"), OperationFailed, step="container")
    assert "init ended at once" in error.message
    assert "console: I cannot go on" in error.details
    assert "init" in str(error.resolution)


# -- disks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [None, DiskKind.DIRECTORY, DiskKind.IMAGE, DiskKind.BLOCK])
def test_a_root_that_is_missing(
    lxc_host: LiveHost, own_directory: Path, refused: Refusals, kind: DiskKind | None
) -> None:
    missing = str(own_directory / "nowhere")
    error = refused(lxc_host.instance(disks=[Disk(missing, kind=kind)]), OperationFailed)
    assert missing in error.message


def test_a_further_disk_that_is_missing(lxc_host: LiveHost, own_directory: Path, refused: Refusals) -> None:
    missing = str(own_directory / "nowhere")
    disks = [Disk(str(lxc_host.root), read_only=True), Disk(missing, mount_point="/mnt")]
    error = refused(lxc_host.instance(disks=disks), OperationFailed)
    assert missing in error.message


@pytest.mark.parametrize("is_root", [True, False])
def test_an_image_that_holds_garbage(lxc_host: LiveHost, own_directory: Path, refused: Refusals, is_root: bool) -> None:
    image = own_directory / "garbage.img"
    image.write_bytes(b"garbage " * (1 << 17))
    garbage = Disk(str(image), kind=DiskKind.IMAGE, mount_point="" if is_root else "/mnt")
    disks = [garbage] if is_root else [Disk(str(lxc_host.root), read_only=True), garbage]
    error = refused(lxc_host.instance(disks=disks), CommandFailed, step="mount")
    assert str(image) in error.message
    assert any("mount" in line for line in error.details), error.explain()


def test_an_instance_without_a_root(lxc_host: LiveHost, refused: Refusals) -> None:
    error = refused(lxc_host.instance(disks=[]), InvalidInput)
    assert "no disk" in error.message


# -- parameters and sizes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"inti": "/sbin/init"}, "inti"),
        ({"num_ttys": -1}, "num_ttys"),
        ({"num_ttys": "many"}, "num_ttys"),
        ({"init": "sbin/init"}, "init"),
        ({"devices": ("x 1:3 rw",)}, "devices"),
        ({"drop_capabilities": ("sys_everything",)}, "drop_capabilities"),
        ({"extra_cgroups": ("nosuchcontroller",)}, "extra_cgroups"),
        ({"extra_config": ("lxc.rootfs.path = /",)}, "extra_config"),
        ({"cpu_mask": "4000"}, "cpu_mask"),
        ({"cpu_mask": "one"}, "cpu_mask"),
        ({"shutdown_signal": "SIGNOTHING"}, "shutdown_signal"),
        ({"startup_timeout": -1}, "startup_timeout"),
    ],
)
def test_a_parameter_that_is_wrong(lxc_host: LiveHost, refused: Refusals, parameters: Any, key: str) -> None:
    error = refused(lxc_host.instance(**parameters), InvalidParameter)
    assert isinstance(error, InvalidParameter)
    assert key in str(error.key), error.to_dict()


def test_a_mask_wider_than_the_machine(lxc_host: LiveHost, refused: Refusals) -> None:
    count = (os.cpu_count() or 1) + 1
    error = refused(lxc_host.instance(cpu_mask=f"0-{count - 1}", vcpus=count), InvalidParameter)
    assert "online" in error.message


def test_a_mask_that_does_not_match_the_vcpus(lxc_host: LiveHost, refused: Refusals) -> None:
    error = refused(lxc_host.instance(cpu_mask=str(max(os.sched_getaffinity(0))), vcpus=2), InvalidParameter)
    assert "cpu_mask" in str(error)


def test_memory_that_is_too_small_to_start(lxc_host: LiveHost, refused: Refusals) -> None:
    tiny = lxc_host.instance(init="/sbin/quick", extra_config="lxc.cgroup.memory.limit_in_bytes = 128K")
    with_step = refused(tiny, CommandFailed, step="container")
    assert any(line.startswith("lxc: ") for line in with_step.details), with_step.explain()
    assert "memory" in str(with_step.resolution)


def test_a_key_that_lxc_does_not_know(lxc_host: LiveHost, refused: Refusals) -> None:
    error = refused(lxc_host.instance(extra_config="lxc.no.such.key = 1"), CommandFailed, step="container")
    assert any("lxc.no.such.key" in line for line in error.details), error.explain()


# -- the node ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paused", [False, True])
def test_a_bridge_that_is_missing(
    lxc_host: LiveHost, refused: Refusals, leak_check: LeakCheck, paths: LxcPaths, unique_tag: str, paused: bool
) -> None:
    instance = lxc_host.instance(nics=[Nic("bridged", link=f"{unique_tag}no")])
    leak_check.watch(paths.host_device(instance.name, 0))
    error = refused(instance, CommandFailed, step="container", paused=paused)
    assert any(line.startswith("lxc: ") and f"{unique_tag}no" in line for line in error.details), error.explain()


def test_cgroups_of_an_earlier_start_do_not_hinder_the_next(
    lxc: Hypervisor, lxc_host: LiveHost, paths: LxcPaths, kernel: Any, leak_check: LeakCheck
) -> None:
    """LXC itself refuses to start a container over them, and never removes them."""
    instance = lxc_host.instance(init="/sbin/quick")
    tops = {kernel.cgroup(1, controller) for controller in ("memory", "freezer", "cpuset", "devices")}
    roots = [top for top in tops if top.is_dir()]
    assert roots
    groups = (paths.container_group(instance.name), paths.monitor_group(instance.name))
    leftovers = [root / group / below for root in roots for group in groups for below in ("", "nested/deep")]
    for leftover in leftovers:
        leftover.mkdir(parents=True, exist_ok=True)
    lxc.start_instance(instance)
    assert lxc.list_instances() == (instance.name,)
    assert not any(leftover.exists() for leftover in leftovers if leftover.name == "deep")
    lxc.stop_instance(instance.name, force=True)
    leak_check.check()
