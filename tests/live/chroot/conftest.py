"""Real chroots of the tests' own, seen through the kernel's files and never only through what hvcore says."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.system.cgroup_layout import current_layout
from hvcore.testing.busybox import build_busybox_root
from hvcore.testing.fixtures import LiveHost, chroot_host, leak_check, own_directory, unique_tag
from hvcore.testing.fixtures import busybox_root as plain_busybox_root
from hvcore_chroot.groups import Groups
from hvcore_chroot.guest import Guest
from hvcore_chroot.paths import ChrootPaths

__all__ = ["chroot_host", "leak_check", "own_directory", "plain_busybox_root", "unique_tag"]

STAYS = "sleep 86400 &"
DEAF = "sh -c 'trap \"\" TERM; while :; do sleep 86400; done' &"

# The script's name, then what it does at start and at stop. /dev is the instance's own, so a pid can be kept there.
SCRIPTS = {
    "orderly": (f"{STAYS} echo $! > /dev/pid; echo up", "echo going down; kill $(cat /dev/pid)"),
    "lazy": (STAYS, ":"),
    "deaf": (DEAF, ":"),
    "deaf-hangs": (DEAF, "echo thinking; sleep 86400"),
    "hangs-start": (f"{STAYS} echo I wait; sleep 86400", ":"),
    "hangs-stop": (STAYS, "echo I wait; sleep 86400"),
    "fails-start": (f"{STAYS} setsid {STAYS} echo no database >&2; exit 3", ":"),
    "fails-with-127": (f"{STAYS} echo mine >&2; exit 127", ":"),
    "fails-stop": (STAYS, "echo cannot stop >&2; exit 4"),
    "stops-and-fails": (f"{STAYS} echo $! > /dev/pid", "kill $(cat /dev/pid); echo forgot something >&2; exit 4"),
    "idle": ("echo nothing to do", ":"),
    "quits": ("(exit 0) &", ":"),
    "daemon": ("setsid sh -c 'sleep 86400 & sleep 86400 &' &", ":"),
    "mounts": (f"mount -t tmpfs guest /mnt; mkdir /mnt/deep; mount -t tmpfs deep /mnt/deep; {STAYS}", ":"),
    "mounts-on-proc": (f"mount -t tmpfs guest /proc; {STAYS}", ":"),
    "breeds": ("(i=0; while [ $i -lt 2000 ]; do i=$((i+1)); sleep 86400 & done) & sleep 0.05", ":"),
    "deeper": ("chroot /deep /busybox sleep 86400 &", ":"),
    "unshares": ("unshare -m sleep 86400 &", ":"),
    "counts": (f"{STAYS} echo started as $HVCORE_INSTANCE", "echo stopped"),
    "two-words": (f"echo $# $1; {STAYS}", "echo $# $1"),
}


def with_scripts(root: Path) -> Path:
    for name, (start, stop) in SCRIPTS.items():
        (root / "sbin" / name).write_text(f"#!/bin/sh\ncase $1 in\nstart) {start}\n;;\nstop) {stop}\n;;\nesac\n")
        (root / "sbin" / name).chmod(0o755)
    # A shell takes its input from here for what goes to the background, also where nothing is mounted at /dev.
    os.mknod(root / "dev/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (root / "deep").mkdir()
    shutil.copy(root / "bin/busybox", root / "deep/busybox")
    return root


@pytest.fixture(scope="session")
def shared_busybox_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_scripts(build_busybox_root(tmp_path_factory.mktemp("busybox") / "root"))


@pytest.fixture
def busybox_root(plain_busybox_root: Callable[[], Path]) -> Callable[[], Path]:
    return lambda: with_scripts(plain_busybox_root())


@pytest.fixture
def paths(own_directory: Path) -> ChrootPaths:
    class Context:
        state_dir = own_directory / "s" / "chroot"
        log_dir = own_directory / "log" / "chroot"

    context: Any = Context()
    return ChrootPaths.of(context)


@pytest.fixture
def leak_tags(unique_tag: str, paths: ChrootPaths) -> tuple[str, ...]:
    return unique_tag, paths.tag


@pytest.fixture
def chroot(chroot_host: LiveHost) -> Hypervisor:
    return chroot_host.hypervisor


@pytest.fixture
def start(chroot_host: LiveHost) -> Callable[..., Instance]:
    """Start an instance with one of the scripts and return its definition."""

    def start(script: str = "orderly", word: str = "web", *, paused: bool = False, **fields: Any) -> Instance:
        instance = chroot_host.instance(word, **{"init_script": f"/sbin/{script}", **fields})
        chroot_host.hypervisor.start_instance(instance, startup_paused=paused)
        return instance

    return start


@pytest.fixture
def log(paths: ChrootPaths) -> Callable[[str], str]:
    """Return what an instance's console log says."""
    return lambda name: paths.console_log(name).read_text()


@pytest.fixture
def pids(paths: ChrootPaths) -> Callable[[str], list[int]]:
    """Return the processes whose root is an instance's, asked of /proc alone."""

    def find(name: str) -> list[int]:
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    root = os.readlink(f"/proc/{entry}/root")
                except OSError:
                    continue
                if root == str(paths.root(name)) or root.startswith(f"{paths.root(name)}/"):
                    found.append(int(entry))
        return sorted(found)

    return find


@pytest.fixture
def guest(paths: ChrootPaths) -> Callable[[str], Guest]:
    return lambda name: Guest(name, paths, Groups(paths))


@pytest.fixture
def admin(paths: ChrootPaths) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Run a command in an instance's root as an administrator does by hand: outside the instance's cgroup."""
    running: list[subprocess.Popen[bytes]] = []

    def run(name: str, *words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(["chroot", str(paths.root(name)), *words])
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def make_image(own_directory: Path, chroot_host: LiveHost) -> Callable[..., Path]:
    """Make an ext4 image that holds a copy of the shared root, or nothing."""

    def make(name: str = "disk.img", *, with_root: bool = True, mib: int = 16) -> Path:
        image = own_directory / name
        image.touch()
        os.truncate(image, mib << 20)
        content = ["-d", str(chroot_host.root)] if with_root else []
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", *content, image], check=True)
        return image

    return make


@pytest.fixture
def needs_freezer() -> None:
    layout = current_layout()
    if "freezer" not in layout.controllers and layout.unified is None:
        pytest.skip("needs a cgroup freezer")
