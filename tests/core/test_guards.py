"""The guards of ``tests/conftest.py``: no test resets the machine, and live tests run where they can."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

GUARDS = Path(__file__).parents[1] / "conftest.py"

LIVE_TEST = """
import pytest

@pytest.mark.live
def test_live():
    raise RuntimeError("it ran")

def test_ordinary():
    assert True
"""


def make_trigger(directory: Path) -> object:
    return os.open(directory / "sysrq-trigger", os.O_WRONLY | os.O_CREAT)


def write_trigger(directory: Path) -> object:
    return (directory / "sysrq-trigger").write_bytes(b"")


def append_to_trigger(directory: Path) -> object:
    return open(os.fsencode(directory / "sysrq-trigger"), "ab")


def spawn_tool(directory: Path) -> object:
    return os.posix_spawn(directory / "reboot", ["reboot"], {})


def run_tool(directory: Path) -> object:
    return subprocess.run([f"{directory}/reboot", "-n", "-f"], check=True)


def run_tool_under_another_name(directory: Path) -> object:
    return subprocess.run(["harmless"], executable=directory / "kexec", check=True)


def replace_process(directory: Path) -> object:
    os.execv(directory / "halt", ["halt"])


# Programs of these names are not on the path that they are given, and what the shell would start is not there either.
def run_carrier(directory: Path) -> object:
    return subprocess.run([f"{directory}/sudo", "-n", f"{directory}/poweroff"], check=True)


def run_shell_text(directory: Path) -> object:
    return os.system(f"true;{directory}/shutdown -r now")  # pyright: ignore[reportDeprecated]


def run_shell_write(directory: Path) -> object:
    return subprocess.run(f"echo b >{directory}/sysrq-trigger", shell=True, check=True)


def call_libc(directory: Path) -> object:
    return ctypes.CDLL(None)["reboot"]


# Only names in an empty directory are used: without the lock these attempts would fail, or make an ordinary file.
@pytest.mark.parametrize(
    "attempt",
    [
        make_trigger,
        write_trigger,
        append_to_trigger,
        spawn_tool,
        run_tool,
        run_tool_under_another_name,
        replace_process,
        run_carrier,
        run_shell_text,
        run_shell_write,
        call_libc,
    ],
)
def test_no_test_can_reach_a_reset(
    tmp_path: Path, reset_refused: type[BaseException], attempt: Callable[[Path], object]
) -> None:
    with pytest.raises(reset_refused):
        attempt(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_words_that_only_sound_like_a_reset_pass(tmp_path: Path) -> None:
    tool = tmp_path / "hv"
    tool.symlink_to(shutil.which("true") or "/bin/true")
    assert subprocess.run([tool, "reboot", "web1"]).returncode == 0
    assert subprocess.run(["sh", "-c", "exit 3", "rebooting"]).returncode == 3
    (tmp_path / "sysrq-trigger.txt").write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        (tmp_path / "sysrq-trigger").read_bytes()


def run_live_test(directory: Path, *, ci: str, path: str) -> str:
    shutil.copy(GUARDS, directory / "conftest.py")
    (directory / "test_it.py").write_text(LIVE_TEST)
    (directory / "pytest.ini").write_text("[pytest]\nmarkers = live: needs much\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", str(directory)]
    environment = {**os.environ, "CI": ci, "PATH": path, "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True).stdout


def test_a_live_test_is_skipped_with_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    said = run_live_test(tmp_path, ci="", path=str(tmp_path))
    assert "1 passed, 1 skipped" in said
    assert "a live test needs" in said
    assert "lxc-start (apt-get install lxc), busybox (apt-get install busybox-static)" in said


def test_a_live_test_that_cannot_run_fails_where_ci_is_set(tmp_path: Path) -> None:
    said = run_live_test(tmp_path, ci="true", path=str(tmp_path))
    assert "1 passed, 1 error" in said or "1 failed, 1 passed" in said
    assert "with CI set, no live test may be skipped" in said


def test_a_live_test_runs_where_nothing_is_missing(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: run the tests with sudo")
    for tool in ("lxc-start", "busybox"):
        (tmp_path / tool).touch(0o755)
    said = run_live_test(tmp_path, ci="true", path=str(tmp_path))
    assert "1 failed, 1 passed" in said
    assert "it ran" in said
