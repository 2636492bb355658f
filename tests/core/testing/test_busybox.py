"""The guest's root that ships for tests."""

from __future__ import annotations

import stat
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.errors import CommandFailed, MissingRequirement
from hvcore.system.commands import Runner
from hvcore.testing import busybox
from hvcore.testing.busybox import CONSOLE_GREETING, build_busybox_root, find_busybox
from hvcore.testing.commands import FakeRunner, Reply


def listing(status: int = 0) -> FakeRunner:
    """Say which applets there are, without a BusyBox."""
    return FakeRunner(default=Reply("[\nbusybox\nls\nsh\nsleep\n", status=status))


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    file = tmp_path / "a-busybox"
    file.write_bytes(elf([1, 6]))
    return file


def elf(types: list[int], *, bits: int = 64, order: str = "<") -> bytes:
    """An executable's headers with program headers of the given types."""
    start, size = (64, 56) if bits == 64 else (52, 32)
    head = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    if bits == 64:
        body = struct.pack(f"{order}HHIQQQIHHHHHH", 2, 62, 1, 0, start, 0, 0, start, size, len(types), 0, 0, 0)
    else:
        body = struct.pack(f"{order}HHIIIIIHHHHHH", 2, 3, 1, 0, start, 0, 0, start, size, len(types), 0, 0, 0)
    table = b"".join(struct.pack(f"{order}I", kind).ljust(size, b"\0") for kind in types)
    return (head + body + table).ljust(128, b"\0")


def test_a_root_to_boot_from(tmp_path: Path, binary: Path) -> None:
    root = build_busybox_root(tmp_path / "new" / "root", busybox=binary, runner=listing())
    assert root == tmp_path / "new" / "root"
    assert (root / "bin/busybox").read_bytes() == binary.read_bytes()
    assert stat.S_IMODE((root / "bin/busybox").stat().st_mode) == 0o755
    assert sorted(path.name for path in (root / "bin").iterdir()) == ["[", "busybox", "ls", "sh", "sleep"]
    assert (root / "bin/sh").readlink() == Path("busybox")
    assert (root / "sbin/init").resolve() == root / "bin/busybox"
    inittab = (root / "etc/inittab").read_text()
    assert f"::sysinit:/bin/echo {CONSOLE_GREETING}\n" in inittab
    assert "::respawn:/bin/sleep " in inittab
    assert stat.S_IMODE((root / "tmp").stat().st_mode) == 0o1777
    for name in ("dev", "proc", "sys", "run", "root", "mnt"):
        assert (root / name).is_dir()


def test_what_is_there_already_is_not_touched(tmp_path: Path, binary: Path) -> None:
    (tmp_path / "root").mkdir()
    build_busybox_root(tmp_path / "root", busybox=binary, runner=listing())
    with pytest.raises(FileExistsError, match="is not empty"):
        build_busybox_root(tmp_path / "root", busybox=binary, runner=listing())


def test_a_busybox_that_does_not_run(tmp_path: Path, binary: Path) -> None:
    with pytest.raises(CommandFailed):
        build_busybox_root(tmp_path / "root", busybox=binary, runner=listing(status=1))


def test_no_busybox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(MissingRequirement, match="busybox is not installed") as caught:
        find_busybox()
    assert "busybox-static" in str(caught.value.resolution)


def test_a_dynamic_busybox_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "busybox"
    file.write_bytes(elf([6, 3, 1]))
    monkeypatch.setattr("shutil.which", lambda name: str(file))
    with pytest.raises(MissingRequirement, match="is not a static executable"):
        find_busybox()
    file.write_bytes(elf([6, 1]))
    assert find_busybox() == file


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
@given(st.lists(st.sampled_from([1, 2, 4, 6, 0x6474E551]), max_size=5), st.integers(0, 5))
def test_the_loader_is_found_wherever_it_is_named(bits: int, order: str, types: list[int], at: int) -> None:
    assert busybox._is_static(elf(types, bits=bits, order=order))
    assert not busybox._is_static(elf([*types[:at], 3, *types[at:]], bits=bits, order=order))


def test_a_script_is_no_executable_for_a_root() -> None:
    assert not busybox._is_static(b"#!/bin/sh\n" + b" " * 100)
    assert not busybox._is_static(b"")


def test_a_real_dynamic_program_is_told_from_a_static_one() -> None:
    assert not busybox._is_static(Path(sys.executable).resolve().read_bytes())


@pytest.mark.live
def test_a_real_root(tmp_path: Path) -> None:
    root = build_busybox_root(tmp_path / "root")
    assert len(list((root / "bin").iterdir())) > 100
    assert Runner().run(["chroot", str(root), "/bin/ls", "/"], timeout_s=10).stdout.split() == sorted(
        path.name for path in root.iterdir()
    )
