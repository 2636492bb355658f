"""A guest's root directory of a few megabytes: one static BusyBox, made in milliseconds."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

from hvcore.errors import MissingRequirement
from hvcore.system.commands import Runner

__all__ = ["CHROOT_SCRIPT", "CONSOLE_GREETING", "build_busybox_root", "find_busybox"]

CONSOLE_GREETING = "BusyBox init is up"
"""What the guest's init writes to its console, once, before anything else runs."""

CHROOT_SCRIPT = "/ganeti-chroot"
"""The script by which the root is started and stopped as a chroot; what it starts ends when it is asked to."""

_DIRECTORIES = ("bin", "sbin", "etc", "dev", "proc", "sys", "tmp", "root", "run", "mnt", "usr", "var/log")
_FILES = {
    # BusyBox init writes what an action says to the console.
    "etc/inittab": f"::sysinit:/bin/echo {CONSOLE_GREETING}\n::respawn:/bin/sleep 86400\n::shutdown:/bin/echo good bye\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    CHROOT_SCRIPT[1:]: f"""#!/bin/sh
case "$1" in
start) echo "{CONSOLE_GREETING}"; sleep 86400 & ;;
stop) echo "good bye" ;;
*) echo "usage: $0 start|stop" >&2; exit 2 ;;
esac
""",
}
_LIST_TIMEOUT_S = 10.0
_INTERPRETED = 3


def build_busybox_root(
    directory: str | Path, *, busybox: str | Path | None = None, runner: Runner | None = None
) -> Path:
    """Fill a directory with a root that an init can boot from.

    It holds BusyBox, a link for each of its applets, an init that greets on the console and then keeps one ``sleep``
    running, a script that does the same for a chroot, and the directories that a guest's own file systems are mounted on.

    Args:
        directory: where; it is made, and must be empty if it exists.
        busybox: a static BusyBox; None takes the one on PATH.
        runner: the door to other programs; None takes the real one.

    Returns:
        The directory.

    Raises:
        MissingRequirement: there is no static BusyBox.
        FileExistsError: the directory holds something.
    """
    source = find_busybox() if busybox is None else Path(busybox)
    root = Path(directory)
    root.mkdir(parents=True, exist_ok=True)
    if any(root.iterdir()):
        raise FileExistsError(f"{root} is not empty")
    for name in _DIRECTORIES:
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "root").chmod(0o700)
    shutil.copy(source, root / "bin/busybox")
    (root / "bin/busybox").chmod(0o755)
    listing = (runner or Runner()).run([str(root / "bin/busybox"), "--list"], timeout_s=_LIST_TIMEOUT_S)
    for applet in listing.stdout.split():
        if applet != "busybox":
            os.symlink("busybox", root / "bin" / applet)
    os.symlink("../bin/busybox", root / "sbin/init")
    for name, text in _FILES.items():
        (root / name).write_text(text, encoding="utf-8")
    (root / CHROOT_SCRIPT[1:]).chmod(0o755)
    return root


def find_busybox() -> Path:
    """Return the static BusyBox on PATH.

    Raises:
        MissingRequirement: there is none, or it needs libraries that a bare root does not have.
    """
    found = shutil.which("busybox")
    if found is None:
        raise MissingRequirement("busybox is not installed", resolution=_RESOLUTION)
    if not _is_static(Path(found).read_bytes()):
        raise MissingRequirement(f"{found} is not a static executable", resolution=_RESOLUTION)
    return Path(found)


_RESOLUTION = "install a static BusyBox, as in: apt-get install busybox-static"


def _is_static(data: bytes) -> bool:
    """Tell whether an executable runs without a dynamic loader.

    Source: elf(5): Ehdr and Phdr; a program header of type PT_INTERP names the loader.
    """
    if len(data) < 64 or data[:4] != b"\x7fELF":
        return False
    is_64 = data[4] == 2
    order = "<" if data[5] == 1 else ">"
    [table] = struct.unpack_from(f"{order}Q" if is_64 else f"{order}I", data, 32 if is_64 else 28)
    size, count = struct.unpack_from(f"{order}HH", data, 54 if is_64 else 42)
    types = [struct.unpack_from(f"{order}I", data, table + index * size)[0] for index in range(count)]
    return _INTERPRETED not in types
