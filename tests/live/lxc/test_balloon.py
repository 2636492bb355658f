"""Ballooning: the kernel's own limits before and after, with memory in use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.errors import InvalidInput, NotRunning, OperationFailed
from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.system.mounts import bind_mount, unmount
from hvcore.testing.fixtures import LiveHost

pytestmark = pytest.mark.live

Running = Callable[..., Instance]
FILES = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
MIB = 1 << 20


@pytest.fixture
def limits(lxc: Hypervisor, kernel: Any) -> Callable[[Instance], dict[str, int]]:
    def read(instance: Instance) -> dict[str, int]:
        info = lxc.get_instance_info(instance.name)
        assert info is not None
        directory = kernel.cgroup(info.pid, "memory")
        return {name: int((directory / name).read_text()) // MIB for name in FILES if (directory / name).exists()}

    return read


def hold_memory(lxc: Hypervisor, instance: Instance, mib: int) -> None:
    """Let the guest keep memory that cannot be reclaimed: pages of a tmpfs, which belong to its cgroup."""
    done = lxc.exec_in_instance(instance.name, ["dd", "if=/dev/zero", "of=/tmp/blob", "bs=1M", f"count={mib}"])
    assert done.exit_status == 0, done.stderr


@pytest.fixture
def roomy(running: Running) -> Callable[..., Instance]:
    return lambda **fields: running(extra_config="lxc.mount.entry = tmpfs tmp tmpfs size=512m 0 0", **fields)


def test_limits_go_up_and_down_with_memory_in_use(lxc: Hypervisor, roomy: Running, limits: Any) -> None:
    instance = roomy(memory_mib=64)
    hold_memory(lxc, instance, 30)
    for size in (128, 96, 256, 48, 64):
        lxc.balloon_instance_memory(instance.name, size)
        assert set(limits(instance).values()) == {size}
        info = lxc.get_instance_info(instance.name)
        assert info is not None
        assert info.memory_mib == size
    size = lxc.exec_in_instance(instance.name, ["stat", "-c", "%s", "/tmp/blob"]).stdout
    assert int(size) == 30 * MIB


def test_the_new_room_can_be_used(lxc: Hypervisor, roomy: Running) -> None:
    instance = roomy(memory_mib=32)
    lxc.balloon_instance_memory(instance, 128)
    hold_memory(lxc, instance, 80)


def test_less_than_the_guest_uses_is_refused_and_nothing_has_changed(
    lxc: Hypervisor, roomy: Running, limits: Any
) -> None:
    instance = roomy(memory_mib=96)
    hold_memory(lxc, instance, 64)
    before = limits(instance)
    with pytest.raises(OperationFailed) as caught:
        lxc.balloon_instance_memory(instance.name, 32)
    assert "free memory" in str(caught.value.resolution)
    assert limits(instance) == before
    assert lxc.exec_in_instance(instance.name, ["test", "-f", "/tmp/blob"]).exit_status == 0


@pytest.mark.parametrize(("file", "size"), [(FILES[1], 48), (FILES[0], 128), (FILES[1], 128), (FILES[0], 48)])
def test_when_half_of_it_fails_the_old_limits_are_in_force(
    lxc: Hypervisor, roomy: Running, limits: Any, kernel: Any, file: str, size: int
) -> None:
    """A file of the kernel's is made read-only for the second, or the first, of the two writes to fail."""
    instance = roomy(memory_mib=64)
    before = limits(instance)
    if file not in before:
        pytest.skip("needs swap accounting: boot the kernel with swapaccount=1")
    path = kernel.cgroup(lxc.get_instance_info(instance.name).pid, "memory") / file  # type: ignore[union-attr]
    bind_mount(str(path), str(path), read_only=True)
    try:
        with pytest.raises(OperationFailed) as caught:
            lxc.balloon_instance_memory(instance.name, size)
        assert limits(instance) == before
    finally:
        unmount(str(path))
    assert file in caught.value.message
    assert caught.value.left_behind == ()
    lxc.balloon_instance_memory(instance.name, size)
    assert set(limits(instance).values()) == {size}


def test_a_paused_guest_can_be_ballooned(lxc: Hypervisor, roomy: Running, limits: Any) -> None:
    instance = roomy(memory_mib=64)
    lxc.pause_instance(instance)
    lxc.balloon_instance_memory(instance, 80)
    assert set(limits(instance).values()) == {80}


def test_sizes_that_cannot_be_are_refused(lxc: Hypervisor, roomy: Running, limits: Any) -> None:
    instance = roomy(memory_mib=64)
    for size in (0, -1, 2**40, 1.5, True):
        with pytest.raises(InvalidInput):
            lxc.balloon_instance_memory(instance, size)  # type: ignore[arg-type]
    assert set(limits(instance).values()) == {64}


def test_what_does_not_run_has_no_memory(lxc: Hypervisor, lxc_host: LiveHost) -> None:
    with pytest.raises(NotRunning):
        lxc.balloon_instance_memory(lxc_host.instance(), 64)


def test_a_reboot_goes_back_to_the_definition(lxc: Hypervisor, roomy: Running, limits: Any) -> None:
    instance = roomy(memory_mib=64)
    lxc.balloon_instance_memory(instance, 128)
    lxc.reboot_instance(instance)
    assert set(limits(instance).values()) == {64}
    assert Path(f"/proc/{lxc.get_instance_info(instance.name).pid}").exists()  # type: ignore[union-attr]
