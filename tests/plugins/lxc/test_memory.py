"""Changing a memory limit: the order of the writes, and what is left when one of them fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hvcore_lxc.memory
from hvcore.errors import NotRunning, OperationFailed
from hvcore.system import kernel_files
from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode
from hvcore.testing.cgroups import FakeCgroups
from hvcore_lxc.memory import set_memory_limit

MIB = 1024 * 1024
NO_LIMIT = 9223372036854771712
GROUP = "hvcore.lxc/ct-web1"
LIMIT, SWAP = "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"


class Kernel:
    """A memory cgroup made of files; it refuses what the kernel refuses, and remembers every write."""

    def __init__(self, root: Path, version: int, files: dict[str, object]) -> None:
        build = FakeCgroups.v1 if version == 1 else FakeCgroups.v2
        machine = build(root, ["memory"], has_swap=SWAP in files)
        machine.put(GROUP)
        for name, value in files.items():
            machine.write("memory", GROUP, name, value)
        self.directory = machine.directory("memory", GROUP)
        self.layout = machine.layout
        self.writes: list[tuple[str, str]] = []
        self.refuse: Callable[[str, str, int], str | None] = lambda name, value, count: None
        self.after_write: Callable[[str, str], None] = lambda name, value: None

    def read(self, name: str) -> str:
        return (self.directory / name).read_text().strip()

    def write_value(self, path: str, value: str) -> None:
        name = Path(path).name
        self.writes.append((name, value))
        reason = self.refuse(name, value, len(self.writes)) or self._against_the_rules(name, value)
        if reason:
            raise OperationFailed(f"{value!r} cannot be written to {path}: {reason}")
        kernel_files.write_value(path, value)
        self.after_write(name, value)

    def _against_the_rules(self, name: str, value: str) -> str | None:
        """Memory and swap together are never below memory alone."""
        if name == LIMIT and (self.directory / SWAP).exists() and int(value) > int(self.read(SWAP)):
            return "Invalid argument"
        if name == SWAP and int(value) < int(self.read(LIMIT)):
            return "Invalid argument"
        return None

    def set(self, memory_mib: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hvcore_lxc.memory, "write_value", self.write_value)
            set_memory_limit(self.layout, GROUP, memory_mib)


def v1(root: Path, limit: object, swap: object | None = None) -> Kernel:
    return Kernel(root, 1, {LIMIT: limit} if swap is None else {LIMIT: limit, SWAP: swap})


def v2(root: Path, limit: object, used: int, high: object = "max") -> Kernel:
    return Kernel(root, 2, {"memory.max": limit, "memory.current": used, "memory.high": high})


def test_growing_raises_the_sum_first(tmp_path: Path) -> None:
    kernel = v1(tmp_path, 64 * MIB, 64 * MIB)
    kernel.set(128)
    assert kernel.writes == [(SWAP, str(128 * MIB)), (LIMIT, str(128 * MIB))]


def test_shrinking_lowers_the_sum_last(tmp_path: Path) -> None:
    kernel = v1(tmp_path, 64 * MIB, 64 * MIB)
    kernel.set(32)
    assert kernel.writes == [(LIMIT, str(32 * MIB)), (SWAP, str(32 * MIB))]


def test_a_first_limit_is_a_shrinking(tmp_path: Path) -> None:
    kernel = v1(tmp_path, NO_LIMIT, NO_LIMIT)
    kernel.set(32)
    assert [name for name, _ in kernel.writes] == [LIMIT, SWAP]


def test_without_swap_accounting_there_is_one_file(tmp_path: Path) -> None:
    kernel = v1(tmp_path, 64 * MIB)
    kernel.set(128)
    assert kernel.writes == [(LIMIT, str(128 * MIB))]


@pytest.mark.parametrize("memory_mib", [32, 128])
def test_when_the_second_write_fails_the_first_is_taken_back(tmp_path: Path, memory_mib: int) -> None:
    kernel = v1(tmp_path, 64 * MIB, 64 * MIB)
    kernel.refuse = lambda name, value, count: "Device or resource busy" if count == 2 else None
    with pytest.raises(OperationFailed, match="Device or resource busy") as caught:
        kernel.set(memory_mib)
    assert (kernel.read(LIMIT), kernel.read(SWAP)) == (str(64 * MIB), str(64 * MIB))
    assert len(kernel.writes) == 3
    assert caught.value.left_behind == ()
    assert "free memory inside the guest" in str(caught.value.resolution)


def test_when_the_first_write_fails_nothing_else_is_written(tmp_path: Path) -> None:
    kernel = v1(tmp_path, 64 * MIB, 64 * MIB)
    kernel.refuse = lambda name, value, count: "Device or resource busy"
    with pytest.raises(OperationFailed):
        kernel.set(32)
    assert kernel.writes == [(LIMIT, str(32 * MIB))]


def test_what_cannot_be_taken_back_is_told(tmp_path: Path) -> None:
    kernel = v1(tmp_path, 64 * MIB, 64 * MIB)
    kernel.refuse = lambda name, value, count: "Input/output error" if count >= 2 else None
    with pytest.raises(OperationFailed) as caught:
        kernel.set(32)
    (left,) = caught.value.left_behind
    assert left.startswith(f"{kernel.directory}/{LIMIT} is not {64 * MIB} again: ")
    assert kernel.read(LIMIT) == str(32 * MIB)


def test_the_kernels_own_advice_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, value: str) -> None:
        raise OperationFailed("Permission denied", resolution="run as root, or delegate the file to this user")

    kernel = v1(tmp_path, 64 * MIB, 64 * MIB)
    monkeypatch.setattr(hvcore_lxc.memory, "write_value", refuse)
    with pytest.raises(OperationFailed) as caught:
        set_memory_limit(kernel.layout, GROUP, 32)
    assert caught.value.resolution == "run as root, or delegate the file to this user"


sizes = st.integers(1, 4096) | st.just(NO_LIMIT // MIB)


@given(limit=sizes, more=st.sampled_from([0, 0, 7, 5000]), wanted=st.integers(1, 8192), failing=st.integers(0, 3))
@settings(deadline=None)
def test_no_order_breaks_the_kernels_rule(limit: int, more: int, wanted: int, failing: int) -> None:
    with TemporaryDirectory() as directory:
        before = (str(limit * MIB), str((limit + more) * MIB))
        kernel = v1(Path(directory), *before)
        kernel.refuse = lambda name, value, count: "Device or resource busy" if count == failing else None
        if failing in {1, 2}:
            with pytest.raises(OperationFailed, match="Device or resource busy"):
                kernel.set(wanted)
            assert (kernel.read(LIMIT), kernel.read(SWAP)) == before
        else:
            kernel.set(wanted)
            assert (kernel.read(LIMIT), kernel.read(SWAP)) == (str(wanted * MIB),) * 2


# -- version 2


def test_growing_on_version_2_is_one_write(tmp_path: Path) -> None:
    kernel = v2(tmp_path, 64 * MIB, used=60 * MIB)
    kernel.set(128)
    assert kernel.writes == [("memory.max", str(128 * MIB))]


def test_shrinking_above_the_usage_is_one_write(tmp_path: Path) -> None:
    kernel = v2(tmp_path, "max", used=20 * MIB)
    kernel.set(32)
    assert kernel.writes == [("memory.max", str(32 * MIB))]


@pytest.mark.parametrize("high", ["max", str(48 * MIB)])
def test_shrinking_below_the_usage_reclaims_first(tmp_path: Path, high: str) -> None:
    kernel = v2(tmp_path, 64 * MIB, used=60 * MIB, high=high)

    def reclaim(name: str, value: str) -> None:
        if (name, value) == ("memory.high", str(32 * MIB)):
            (kernel.directory / "memory.current").write_text(f"{30 * MIB}\n")

    kernel.after_write = reclaim
    kernel.set(32)
    assert kernel.writes == [("memory.high", str(32 * MIB)), ("memory.high", high), ("memory.max", str(32 * MIB))]


def test_what_cannot_be_reclaimed_is_not_killed(tmp_path: Path) -> None:
    kernel = v2(tmp_path, 64 * MIB, used=60 * MIB)
    with pytest.raises(OperationFailed, match="the guest uses 60 MiB, more than 32 MiB") as caught:
        kernel.set(32)
    assert (kernel.read("memory.max"), kernel.read("memory.high")) == (str(64 * MIB), "max")
    assert "free memory inside the guest" in str(caught.value.resolution)


def test_a_failure_in_between_gives_the_guest_its_freedom_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = v2(tmp_path, 64 * MIB, used=60 * MIB)

    def unreadable(path: str) -> str | None:
        if kernel.writes and path.endswith("memory.current"):
            raise OperationFailed("Input/output error")
        return kernel_files.read_value(path)

    monkeypatch.setattr(hvcore_lxc.memory, "read_value", unreadable)
    with pytest.raises(OperationFailed, match="Input/output error"):
        kernel.set(32)
    assert (kernel.read("memory.max"), kernel.read("memory.high")) == (str(64 * MIB), "max")


# -- what does not run


@pytest.mark.parametrize("version", [1, 2])
def test_without_a_cgroup_it_does_not_run(tmp_path: Path, version: int) -> None:
    kernel = Kernel(tmp_path, version, {})
    with pytest.raises(NotRunning):
        set_memory_limit(kernel.layout, "hvcore.lxc/ct-web2", 64)


def test_without_a_memory_controller_nothing_can_be_limited() -> None:
    with pytest.raises(NotRunning):
        set_memory_limit(CgroupLayout(CgroupMode.V1, {"cpu": "/x"}, None, frozenset()), GROUP, 64)
