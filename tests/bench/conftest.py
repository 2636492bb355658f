"""What the benchmarks share: a busybox root, a host of its own, and ratios against a peer measured in the same run."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hvcore
from hvcore.testing.busybox import build_busybox_root

Timer = Callable[[Callable[[], object]], float]
Reporter = Callable[[str, list[float], list[float]], None]


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root that every container of the run uses."""
    root = tmp_path_factory.mktemp("root")
    build_busybox_root(root)
    return root


@pytest.fixture
def host() -> Iterator[hvcore.Host]:
    """A host whose containers are all stopped at the end."""
    place = Path(tempfile.mkdtemp(prefix="hvb"))
    made = hvcore.load(state_dir=place / "run", log_dir=place / "log")
    try:
        yield made
    finally:
        lxc = made.hypervisor("lxc")
        for name in lxc.list_instances():
            lxc.stop_instance(name, force=True)
        shutil.rmtree(place)


@pytest.fixture
def timed() -> Timer:
    """Seconds that a call takes."""

    def measure(call: Callable[[], object]) -> float:
        begin = time.perf_counter()
        call()
        return time.perf_counter() - begin

    return measure


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Reporter:
    """Prints the ratio of medians, and how far the pairs spread; never an absolute time."""

    def show(what: str, ours: list[float], peers: list[float]) -> None:
        pairs = sorted(a / b for a, b in zip(ours, peers, strict=True))
        ratio = statistics.median(ours) / statistics.median(peers)
        with capsys.disabled():
            print(f"\n{what}: {ratio:.2f} x  (pairs {pairs[0]:.2f} to {pairs[-1]:.2f}, {len(pairs)} rounds)", end="")

    return show
