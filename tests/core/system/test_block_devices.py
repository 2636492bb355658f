from __future__ import annotations

from pathlib import Path

import pytest

from hvcore.errors import OperationFailed
from hvcore.system import block_devices
from hvcore.system.block_devices import device_number, device_users, find_loop_devices, may_become_free
from hvcore.system.kernel_files import read_text

HEADER = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def test_a_swap_file_is_in_use_and_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "swap file").touch()
    (tmp_path / "other").touch()
    (tmp_path / "link").symlink_to("swap file")
    escaped = str(tmp_path / "swap file").replace(" ", "\\040")
    table = f"{HEADER}/gone\\040(deleted)  file\t\t1024\t\t0\t\t-2\n{escaped}      file\t\t1024\t\t0\t\t-3\n"
    monkeypatch.setattr(block_devices, "read_text", lambda path: table if path == "/proc/swaps" else read_text(path))
    assert device_users(str(tmp_path / "link")) == (f"swap space {tmp_path}/swap file",)
    assert not may_become_free(str(tmp_path / "link"))
    assert device_users(str(tmp_path / "other")) == ()
    assert may_become_free(str(tmp_path / "other"))


def test_a_plain_file_is_free_and_is_no_device(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.touch()
    assert device_users(str(image)) == ()
    assert find_loop_devices(str(image)) == ()
    with pytest.raises(OperationFailed, match=f"{image} is not a block device"):
        device_number(str(image))


def test_what_does_not_exist_is_said_in_the_kernels_words(tmp_path: Path) -> None:
    for verb in (device_number, device_users, find_loop_devices, may_become_free):
        with pytest.raises(OperationFailed, match=f"{tmp_path}/missing cannot be looked at: No such file or directory"):
            verb(f"{tmp_path}/missing")
