"""The last resort after a failed test: take from the node whatever still mentions its words."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from hvcore.errors import HypervisorError
from hvcore.system.commands import run
from hvcore.system.kernel_files import write_if_present
from hvcore.system.mountinfo import mounts_below, read_mounts
from hvcore.system.mounts import unmount_tree
from hvcore.system.processes import open_pidfd, send_signal, wait_pidfds
from hvcore.testing.leaks import snapshot

__all__ = ["remove_directory", "sweep"]

_PATIENCE_S = 10.0
_PAUSE_S = 0.01


def sweep(tags: Iterable[str], directory: str | Path) -> None:
    """End, unmount and remove everything that mentions one of some words; what resists stays.

    Args:
        tags: words that nothing else on the node bears; an empty one is left out.
        directory: the test's own directory; what is mounted below it is unmounted.
    """
    words = [word for word in tags if word]
    deadline = time.monotonic() + _PATIENCE_S
    while any((kinds := snapshot(words)).values()) and time.monotonic() < deadline:
        for group in kinds["cgroups"]:
            with suppress(HypervisorError):
                write_if_present(f"{group}/freezer.state", "THAWED")
        for process in kinds["processes"]:
            _end(int(process.split(" ", 1)[0]))
        with suppress(HypervisorError):
            unmount_tree(str(directory))
        for item in kinds["network devices"]:
            with suppress(HypervisorError):
                run(["ip", "link", "delete", item.split(" ", 1)[0]], timeout_s=_PATIENCE_S, check=False)
        for item in sorted((*kinds["cgroups"], *kinds["files"]), key=len, reverse=True):
            _remove(item)
        time.sleep(_PAUSE_S)


def remove_directory(directory: str | Path) -> None:
    """Remove a test's directory, but never through a mount: what is mounted below it may be anybody's files.

    Raises:
        AssertionError: something is mounted below it still.
    """
    left = mounts_below(read_mounts(), str(directory))
    if left:
        raise AssertionError(f"still mounted: {', '.join(mount.mount_point for mount in left)}")
    shutil.rmtree(directory)


def _end(pid: int) -> None:
    with suppress(HypervisorError):
        pidfd = open_pidfd(pid)
        if pidfd is not None:
            try:
                send_signal(pidfd, signal.SIGKILL)
                wait_pidfds([pidfd], 1.0)
            finally:
                os.close(pidfd)


def _remove(path: str) -> None:
    with suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        else:
            os.unlink(path)
