"""Processes, cgroups and mounts of the tests' own, each with a check that nothing of them is left."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from hvcore.system.cgroup_layout import CgroupLayout, CgroupMode, current_layout
from hvcore.system.mountinfo import is_below, mounts_below, read_mounts
from hvcore.testing.fixtures import in_child

__all__ = ["in_child"]

Start = Callable[..., "subprocess.Popen[bytes]"]
WAIT_S = 20.0


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: run the tests with sudo")


@pytest.fixture
def need(as_root: None) -> Callable[..., None]:
    """Skip the test unless all the tools are installed."""

    def check(*tools: str) -> None:
        for tool in tools:
            if shutil.which(tool) is None:
                pytest.skip(f"needs {tool}: install the package that provides it")

    return check


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    """Wait until something is true and return it; fail when it never becomes true."""

    def wait(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + WAIT_S
        while not (value := condition()):
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.002)
        return value

    return wait


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process that is ended and reaped after the test; ``python="..."`` runs a script."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*argv: str, python: str | None = None, **options: Any) -> subprocess.Popen[bytes]:
        command = list(argv) if python is None else [sys.executable, "-S", "-c", python, *argv]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate(timeout=WAIT_S)


LAYOUTS = ["machine", "version 1 only"] if "freezer" in current_layout().controllers else ["machine"]


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> CgroupLayout:
    """The machine's layout and, where version 1 has the freezer, the same without version 2."""
    real = current_layout()
    if request.param == "machine":
        return real
    return evolve(real, mode=CgroupMode.V1, unified=None, unified_controllers=frozenset())


class Group:
    """A cgroup of the test's own, of the same name in every hierarchy."""

    def __init__(self, hierarchies: tuple[str, ...]) -> None:
        self.name = f"hvcore-test-{secrets.token_hex(4)}"
        self._hierarchies = hierarchies
        self.make(self.name)

    @property
    def directories(self) -> list[Path]:
        return [Path(base) / self.name for base in self._hierarchies if (Path(base) / self.name).exists()]

    def make(self, relative: str) -> str:
        for base in self._hierarchies:
            path = Path(base) / relative
            path.mkdir()
            # Version 1's cpuset takes no process before it has CPUs and memory nodes.
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (path / name).exists() and (path.parent / name).read_text().strip():
                    (path / name).write_text((path.parent / name).read_text())
        return relative

    def add(self, pid: int, relative: str | None = None) -> None:
        for base in self._hierarchies:
            (Path(base) / (relative or self.name) / "cgroup.procs").write_text(str(pid))

    def remove(self) -> None:
        """Clean up with nothing but the kernel's files, whatever state the test left."""
        deadline = time.monotonic() + WAIT_S
        while self.directories:
            for directory in self.directories:
                for path, _, _ in os.walk(directory, topdown=False):
                    for name, value in (("freezer.state", "THAWED"), ("cgroup.kill", "1")):
                        if (Path(path) / name).exists():
                            (Path(path) / name).write_text(value)
                    for pid in (Path(path) / "cgroup.procs").read_text().split():
                        try:
                            os.kill(int(pid), 9)
                        except ProcessLookupError:
                            continue
                    try:
                        os.rmdir(path)
                    except OSError:
                        assert time.monotonic() < deadline, f"{path} cannot be removed"
            time.sleep(0.002)


@pytest.fixture
def group(as_root: None) -> Iterator[Group]:
    if current_layout().mode is CgroupMode.NONE:
        pytest.skip("needs cgroups: mount cgroup2 at /sys/fs/cgroup")
    made = Group(current_layout().hierarchies)
    yield made
    made.remove()
    assert not made.directories


def loop_images() -> dict[str, str]:
    """The image behind each loop device."""
    found = {}
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            found[path.parent.parent.name] = os.fsdecode(path.read_bytes()).removesuffix("\n")
        except OSError:
            continue  # It was detached at this moment.
    return found


def images_below(directory: Path) -> dict[str, str]:
    return {name: image for name, image in loop_images().items() if is_below(image.split(" (")[0], str(directory))}


@pytest.fixture
def scratch(tmp_path: Path, as_root: None) -> Iterator[Path]:
    """A directory for mounts; the test must leave no mount and no loop device of it behind."""
    yield tmp_path
    left = [mount.mount_point for mount in mounts_below(read_mounts(), str(tmp_path))]
    # A detached loop device vanishes with its last user, which may be another test that looks at it or one whose mount
    # namespace has a copy of this test's mounts.
    deadline = time.monotonic() + WAIT_S
    while (images := images_below(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.002)
    # A test that failed may leave a propagated mess; whatever stayed mounted, pytest would delete through it later.
    for _ in range(10):
        for mount in mounts_below(read_mounts(), str(tmp_path)):
            subprocess.run(["umount", mount.mount_point], check=False, capture_output=True)
    for name in images:
        subprocess.run(["losetup", "--detach", f"/dev/{name}"], check=False, capture_output=True)
    assert (left, images) == ([], {})


@pytest.fixture
def make_image(scratch: Path, need: Callable[..., None]) -> Callable[..., Path]:
    """Make an ext4 image that holds one file, ``hello``."""
    need("mke2fs", "mount", "losetup")
    content = scratch / "content"
    content.mkdir()
    (content / "hello").write_text("from the image\n")

    def make(path: str | bytes = "disk.img") -> Path:
        image = scratch / os.fsdecode(path)
        image.touch()
        os.truncate(image, 2 << 20)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", content, image], check=True)
        return image

    return make


@pytest.fixture
def loop(scratch: Path) -> Iterator[Callable[..., str]]:
    """Attach an image to a loop device, which is detached after the test."""
    devices: list[str] = []

    def attach(image: Path, *options: str) -> str:
        command = ["losetup", "--find", "--show", *options, str(image)]
        devices.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
        return devices[-1]

    yield attach
    for device in devices:
        if Path(device).name in loop_images():
            subprocess.run(["losetup", "--detach", device], check=True)
