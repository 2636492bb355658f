"""Kernel files kept open between looks, on the kernel's own files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hvcore.errors import OperationFailed
from hvcore.system.kept_files import KeptFiles

COMM = "/proc/self/comm"


@pytest.fixture
def kept() -> KeptFiles:
    """Has looked once, so that it keeps what it reads from now on."""
    files = KeptFiles()
    with files.look():
        pass
    return files


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process


def descriptors() -> set[str]:
    found: set[str] = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:
            continue
    return found


def comm_is_open() -> bool:
    return f"/proc/{os.getpid()}/comm" in descriptors()


def test_the_first_look_keeps_nothing() -> None:
    files = KeptFiles()
    with files.look() as look:
        assert look.read(COMM) == Path(COMM).read_text()
    assert not comm_is_open()


def test_what_is_read_at_every_look_stays_open_until_it_is_not(kept: KeptFiles) -> None:
    for _ in range(3):
        with kept.look() as look:
            assert look.read(COMM) == look.read(COMM) == Path(COMM).read_text()
        assert comm_is_open()
    with kept.look():
        pass
    assert not comm_is_open()


def test_nothing_is_open_when_it_is_thrown_away() -> None:
    files = KeptFiles()
    for _ in range(2):
        with files.look() as look:
            look.read(COMM)
    assert comm_is_open()
    del files, look
    assert not comm_is_open()


def test_a_kept_file_tells_today_s_text(kept: KeptFiles) -> None:
    texts = []
    for adjustment in ("1", "2"):
        Path("/proc/self/oom_score_adj").write_text(adjustment)
        with kept.look() as look:
            texts.append(look.read("/proc/self/oom_score_adj"))
    Path("/proc/self/oom_score_adj").write_text("0")
    assert texts == ["1\n", "2\n"]


def test_a_file_whose_object_is_gone(kept: KeptFiles, child: subprocess.Popen[bytes]) -> None:
    path = f"/proc/{child.pid}/comm"
    with kept.look() as look:
        assert look.read(path)
        assert look.read_kept(path) is None, "it was not kept by an earlier look"
    with kept.look() as look:
        assert look.read_kept(path)
    child.communicate(b"\n")
    with kept.look() as look:
        assert look.read_kept(path) is None
        assert look.read(path) is None
    assert path not in descriptors()


def test_a_file_on_a_disk_may_be_replaced(kept: KeptFiles, tmp_path: Path) -> None:
    path = tmp_path / "value"
    for text in ("one\n", "two\n"):
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").replace(path)
        with kept.look() as look:
            assert look.read(str(path)) == text
    assert str(path) not in descriptors()


def test_a_text_that_is_longer_than_usual(kept: KeptFiles, tmp_path: Path) -> None:
    path = tmp_path / "long"
    for length in (4095, 4096, 5000, 65536, 200_000):
        path.write_text("x" * length)
        with kept.look() as look:
            assert look.read(str(path)) == "x" * length


def test_only_a_part_of_the_descriptors_is_used(kept: KeptFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 4)
    names = ["comm", "oom_score_adj", "limits"]
    with kept.look() as look:
        texts = [look.read(f"/proc/self/{name}") for name in names]
    assert texts == [Path("/proc/self", name).read_text() for name in names]
    assert comm_is_open()
    assert not {f"/proc/{os.getpid()}/{name}" for name in names[1:]} & descriptors()


def test_a_second_look_at_the_same_time_keeps_nothing(kept: KeptFiles) -> None:
    with kept.look() as outer:
        outer.read(COMM)
        with kept.look() as inner:
            assert inner.read(COMM) == Path(COMM).read_text()
            assert inner.read("/proc/self/oom_score_adj")
        assert outer.read(COMM)
    assert comm_is_open()
    assert f"/proc/{os.getpid()}/oom_score_adj" not in descriptors()


def test_a_file_that_cannot_be_read(kept: KeptFiles, tmp_path: Path) -> None:
    with kept.look() as look:
        assert look.read(str(tmp_path / "absent")) is None
        with pytest.raises(OperationFailed, match="cannot be read: Is a directory"):
            look.read(str(tmp_path))
