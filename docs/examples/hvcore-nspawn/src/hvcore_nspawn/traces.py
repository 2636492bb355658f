"""What systemd-nspawn leaves when it is killed, or when /run is on a disk.

Source: systemd 252, ``nspawn.c`` (the directory for mounts that are sent inside) and ``machine-image.c`` (the locks of a
root: one beside it, one named by its inode).
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from hvcore_nspawn.places import Places

__all__ = ["remove_traces"]

_RUN = Path("/run/systemd/nspawn")


def remove_traces(name: str, places: Places) -> None:
    """Remove what systemd-nspawn has left of an instance that has no process any more; idempotent."""
    propagate = _RUN / "propagate" / places.machine(name)
    if propagate.is_dir():
        propagate.rmdir()
    root = places.disk(name, 0)
    root.with_name(f".#{root.name}.lck").unlink(missing_ok=True)
    if root.is_dir():
        status = root.stat()
        _remove_lock(_RUN / "locks" / f"inode-{status.st_dev}:{status.st_ino}")


def _remove_lock(path: Path) -> None:
    """Remove a lock that nobody holds: another instance may use the same root."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
