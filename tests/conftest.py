"""What every test run gets: a lock on whatever would reset the machine, and live tests only where they can run."""

from __future__ import annotations

import os
import sys
from typing import Any, cast

import pytest

from hvcore.testing.live import require_for_live

RESETTING_TOOLS = frozenset({"reboot", "halt", "poweroff", "shutdown", "telinit", "kexec"})
RESETTING_FILE = "sysrq-trigger"
# What runs the program that its arguments name on this machine. A guest's reboot or `hv reboot` is none of these.
CARRIERS = frozenset(
    "ash bash busybox chroot chrt dash doas env exec ionice nice nohup nsenter pkexec runuser setpriv setsid sh su sudo "
    "systemctl systemd-run taskset timeout toybox unshare xargs zsh".split()
)
STARTS_A_PROCESS = frozenset({"os.exec", "os.posix_spawn", "os.system", "subprocess.Popen"})


class ResetRefused(BaseException):
    """Something reached for a real reset; no handler for ordinary errors may swallow this."""


def refuse_reset(event: str, args: tuple[Any, ...]) -> None:
    """Refuse, for the whole life of this process, whatever would reset the machine, before the kernel sees it."""
    if event == "open":
        path, _, flags = args
        is_reset = last_part(path) == RESETTING_FILE and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    elif event == "ctypes.dlsym":
        is_reset = args[1] == "reboot"
    elif event == "os.system":
        is_reset = runs_reset(["sh", "-c", os.fsdecode(args[0])])
    elif event in STARTS_A_PROCESS:
        program, words = args[0], args[1]
        command: list[Any] = [words] if isinstance(words, (str, bytes, os.PathLike)) else list(words)
        is_reset = runs_reset(command) or (program is not None and runs_reset([program, *command[1:]]))
    else:
        return
    if is_reset:
        raise ResetRefused(f"{event} {args!r}")


def runs_reset(command: list[Any]) -> bool:
    """Whether a command line is a tool that resets the machine, or hands such a tool on to what runs it."""
    words = [os.fsdecode(word) for word in command]
    if not words or last_part(words[0]) in RESETTING_TOOLS:
        return bool(words)
    if last_part(words[0]) not in CARRIERS:
        return False
    separated = " ".join(words[1:]).translate(str.maketrans(";&|()<>'\"`$", " " * 11)).split()
    return any(last_part(word) in RESETTING_TOOLS | {RESETTING_FILE} for word in separated)


def last_part(path: object) -> str:
    return os.fsdecode(cast("str", path)).rpartition("/")[2] if isinstance(path, (str, bytes, os.PathLike)) else ""


# At import, before any test can run. An audit hook cannot be removed, not even by the code under test.
sys.addaudithook(refuse_reset)


@pytest.fixture(scope="session")
def reset_refused() -> type[BaseException]:
    """What is raised at whoever reaches for a real reset."""
    return ResetRefused


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a live test where something is missing; where CI is set, nothing may be."""
    require_for_live(item)
