from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hvcore.errors import OperationFailed
from hvcore.system.kernel_files import read_pids, read_text, write_if_present, write_value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200_000))
def test_every_byte_survives(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    text = read_text(str(tmp_path / "file"))
    assert text is not None
    assert text.encode("utf-8", "surrogateescape") == data


def test_what_is_gone_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert read_text(str(tmp_path / "missing")) is None
    assert read_text(str(tmp_path / "file" / "below")) is None
    assert read_pids(str(tmp_path / "missing")) == ()


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match=f"{tmp_path} cannot be read: Is a directory"):
        read_text(str(tmp_path))


def test_a_value_replaces_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a longer text before")
    write_value(str(tmp_path / "file"), "64M")
    assert (tmp_path / "file").read_text() == "64M"


def test_a_file_is_never_made(tmp_path: Path) -> None:
    path = str(tmp_path / "missing")
    with pytest.raises(OperationFailed, match=f"'64M' cannot be written to {path}: No such file or directory"):
        write_value(path, "64M\n")
    assert not write_if_present(path, "64M")
    assert not os.path.exists(path)


def test_the_kernels_words_are_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match="'x' cannot be written to /dev/full: No space left on device"):
        write_value("/dev/full", "x")
    with pytest.raises(OperationFailed, match="No space left on device"):
        write_if_present("/dev/full", "x")


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.EACCES, "run as root"), (errno.EROFS, "read-only"), (errno.EINVAL, None)]
)
def test_advice_where_something_can_be_done(monkeypatch: pytest.MonkeyPatch, number: int, advice: str | None) -> None:
    def refuse(path: str, flags: int) -> int:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(OperationFailed) as caught:
        write_value("/sys/fs/cgroup/memory.max", "1")
    assert caught.value.resolution is None if advice is None else advice in (caught.value.resolution or "")


def test_a_short_write_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("os.write", lambda descriptor, data: len(data) - 1)
    with pytest.raises(OperationFailed, match="only 2 of the 3 bytes of '64M'"):
        write_value(str(tmp_path / "file"), "64M")


def test_pids_of_other_namespaces_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").write_text("12\n0\n7\n0\n")
    assert read_pids(str(tmp_path / "cgroup.procs")) == (12, 7)


def test_a_threaded_cgroup_lists_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, flags: int) -> int:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), path)

    monkeypatch.setattr("os.open", refuse)
    assert read_pids("/sys/fs/cgroup/web1/cgroup.procs") == ()
    with pytest.raises(OperationFailed):
        read_text("/sys/fs/cgroup/web1/cgroup.procs")
