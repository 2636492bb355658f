"""Real containers of the tests' own, seen through the kernel's files and never only through what hvcore says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hvcore.hypervisor import Hypervisor
from hvcore.model.instance import Instance
from hvcore.system.cgroup_layout import current_layout
from hvcore.testing.busybox import build_busybox_root
from hvcore.testing.fixtures import LiveHost, leak_check, lxc_host, own_directory, unique_tag
from hvcore.testing.fixtures import busybox_root as plain_busybox_root
from hvcore_lxc.paths import LxcPaths

__all__ = ["leak_check", "lxc_host", "own_directory", "plain_busybox_root", "unique_tag"]

# Inits that a test does not wait three seconds for, as BusyBox's own makes one do.
INITS = {
    "quick": "trap 'exit 0' USR2 TERM PWR\nwhile :; do sleep 86400 & wait $!; done\n",
    "deaf": "trap '' USR2 TERM PWR INT\nwhile :; do sleep 86400 & wait $!; done\n",
    "counts": "trap 'echo asked' USR2 TERM\necho ready\nwhile :; do sleep 86400 & wait $!; done\n",
    "answers-on-console": "while read line; do echo heard $line; done </dev/console >/dev/console\nexec sleep 86400\n",
    "answers-on-tty1": "while read line; do echo heard $line; done </dev/tty1 >/dev/tty1\nexec sleep 86400\n",
    "hangs": "sleep 86400\ntrue\n",
    "talker": "echo the guest is up\nexec sleep 86400\n",
    "dies-soon": "echo I cannot go on >&2\nexit 3\n",
}


@pytest.fixture(scope="session")
def shared_busybox_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_inits(build_busybox_root(tmp_path_factory.mktemp("busybox") / "root"))


@pytest.fixture
def busybox_root(plain_busybox_root: Callable[[], Path]) -> Callable[[], Path]:
    return lambda: with_inits(plain_busybox_root())


def with_inits(root: Path) -> Path:
    for name, script in INITS.items():
        (root / "sbin" / name).write_text(f"#!/bin/sh\n{script}")
        (root / "sbin" / name).chmod(0o755)
    return root


def paths_of(state_dir: Path, log_dir: Path) -> LxcPaths:
    class Context:
        pass

    context: Any = Context()
    context.state_dir, context.log_dir = state_dir, log_dir
    return LxcPaths.of(context)


@pytest.fixture
def paths(own_directory: Path) -> LxcPaths:
    return paths_of(own_directory / "s" / "lxc", own_directory / "log" / "lxc")


@pytest.fixture
def leak_tags(unique_tag: str, paths: LxcPaths) -> tuple[str, ...]:
    return unique_tag, paths.tag


@pytest.fixture
def make_image(own_directory: Path, lxc_host: LiveHost) -> Callable[..., Path]:
    """Make an ext4 image that holds a copy of the shared root, or nothing."""

    def make(name: str = "disk.img", *, with_root: bool = True, mib: int = 8) -> Path:
        image = own_directory / name
        image.touch()
        os.truncate(image, mib << 20)
        content = ["-d", str(lxc_host.root)] if with_root else []
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", *content, image], check=True)
        return image

    return make


@pytest.fixture
def lxc(lxc_host: LiveHost) -> Hypervisor:
    return lxc_host.hypervisor


@pytest.fixture
def running(lxc_host: LiveHost, leak_check: Any, paths: LxcPaths) -> Callable[..., Instance]:
    """Start an instance with an init that ends at once when it is asked to, and return its definition."""

    def start(word: str = "web", *, paused: bool = False, **fields: Any) -> Instance:
        instance = lxc_host.instance(word, **{"init": "/sbin/quick", **fields})
        for index in range(len(instance.nics)):
            leak_check.watch(paths.host_device(instance.name, index))
        lxc_host.hypervisor.start_instance(instance, startup_paused=paused)
        return instance

    return start


class Kernel:
    """What the kernel says of a process."""

    @staticmethod
    def cgroup(pid: int, controller: str) -> Path:
        """The directory of a process's cgroup, from its own /proc file."""
        layout = current_layout()
        if controller not in layout.controllers:
            pytest.skip(f"needs the {controller} controller of cgroup version 1")
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            if controller in names.split(","):
                return Path(layout.controllers[controller] + path)
        raise AssertionError(f"process {pid} is in no {controller} cgroup")

    @classmethod
    def value(cls, pid: int, controller: str, file: str) -> str:
        return (cls.cgroup(pid, controller) / file).read_text().strip()

    @staticmethod
    def status(pid: int, key: str) -> str:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{key}:"):
                return line.split(":", 1)[1].strip()
        raise AssertionError(f"/proc/{pid}/status has no {key}")

    @staticmethod
    def state(pid: int) -> str:
        """The letter of a process's state; "" when it is gone."""
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return ""

    @classmethod
    def is_alive(cls, pid: int) -> bool:
        return cls.state(pid) not in {"", "Z", "X"}

    @staticmethod
    def monitors(lxcpath: Path, name: str) -> list[int]:
        """The pids of LXC's monitor of a container, by its title."""
        title = f"[lxc monitor] {lxcpath} {name}".encode()
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    if Path(f"/proc/{entry}/cmdline").read_bytes().rstrip(b"\0") == title:
                        found.append(int(entry))
                except (FileNotFoundError, ProcessLookupError):
                    continue
        return found


@pytest.fixture
def kernel() -> type[Kernel]:
    return Kernel
