"""The command lines that put a process into an instance; run here for real with a stand-in for chroot(8)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hvcore.errors import MissingRequirement
from hvcore_chroot import launch
from hvcore_chroot.launch import background_command, foreground_command, is_launcher, logged_command

ROOT = '/s/it\'s "$HOME"/rootfs'


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chroot(8) that tells what it was given."""
    program = tmp_path / "chroot"
    program.write_text(
        '#!/bin/sh\nfor word; do printf "<%s>" "$word"; done; echo " $GREETING $PWD_OF_MANAGER"; exit 7\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(launch.shutil, "which", lambda *_, **__: str(program))
    return tmp_path


def test_words_arrive_as_they_are(stand_in: Path) -> None:
    command = foreground_command(ROOT, (), {"GREETING": "a b", "PATH": "/bin"}, ("echo", "--", "$x", "a'b", ""))
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "PWD_OF_MANAGER": "x"})
    assert done.stdout == f"<{ROOT}><echo><--><$x><a'b><> a b \n"
    assert done.returncode == 7


def test_it_enters_every_group_before_anything_else(stand_in: Path) -> None:
    groups = [stand_in / "one", stand_in / "with blank"]
    for group in groups:
        group.touch()
    done = subprocess.run(foreground_command("/r", [str(group) for group in groups], {}, ("x",)), capture_output=True)
    assert done.returncode == 7
    assert [group.read_text() for group in groups] == ["0\n", "0\n"]


def test_a_group_that_is_gone_keeps_the_program_from_running(stand_in: Path) -> None:
    done = subprocess.run(foreground_command("/r", [f"{stand_in}/no/group"], {}, ("x",)), capture_output=True)
    assert done.returncode == 125
    assert done.stdout == b""
    assert b"no/group" in done.stderr


def test_output_is_appended_to_the_log(stand_in: Path) -> None:
    log = stand_in / "the log"
    log.write_text("before\n")
    done = subprocess.run(logged_command(str(log), "/r", (), {}, ("x",)), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"", b"")
    assert log.read_text() == "before\n</r><x>  \n"


def test_in_the_background_it_ends_at_once(stand_in: Path) -> None:
    log = stand_in / "log"
    done = subprocess.run(background_command(str(log), "/r", (), {}, ("x",)), capture_output=True)
    assert done.returncode == 0


def test_a_launcher_is_known_by_its_root(stand_in: Path) -> None:
    command = logged_command("/log", "/s/inst1/rootfs", (), {}, ("/x", "start"))
    assert is_launcher(command, "/s/inst1/rootfs")
    assert not is_launcher(command, "/s/inst10/rootfs")
    assert not is_launcher(command, "/s/inst1")
    assert not is_launcher(["sh", "-c", "echo /s/inst1/rootfs"], "/s/inst1/rootfs")
    assert not is_launcher([""], "/s/inst1/rootfs")


def test_a_node_without_chroot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch.shutil, "which", lambda *_, **__: None)
    with pytest.raises(MissingRequirement, match="chroot is not installed") as caught:
        foreground_command("/r", (), {}, ("x",))
    assert caught.value.resolution
