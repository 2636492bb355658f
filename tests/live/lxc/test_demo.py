"""The tour on real containers, as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hvcore.testing.leaks import snapshot

pytestmark = pytest.mark.live

DEMO = [sys.executable, "-W", "error", "-m", "hvcore.cli.main", "demo", "-H", "lxc"]


def place_in(output: str) -> tuple[Path, str]:
    """The directory that a tour said it would use, and its word."""
    found = re.search(r"everything in (\S+/hv-demo-([0-9a-f]{6})-\S+)\.", output)
    assert found, output
    return Path(found[1]), found[2]


def assert_nothing_is_left(output: str) -> None:
    directory, token = place_in(output)
    assert not directory.exists()
    assert not any(snapshot([token, str(directory)]).values())


def test_the_tour_shows_what_the_kernel_does() -> None:
    done = subprocess.run(DEMO, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_nothing_is_left(done.stdout)
    _, token = place_in(done.stdout)
    assert f"   | web-{token}\n" in done.stdout  # the guest's own host name
    cpu = sorted(os.sched_getaffinity(0))[0]
    assert f"   | Cpus_allowed_list:\t{cpu}\n" in done.stdout
    assert "   | BusyBox init is up\n" in done.stdout
    assert "   memory read back: 128 MiB\n" in done.stdout
    assert "   memory read back: 48 MiB\n" in done.stdout
    assert re.search(r"nothing was left behind: mounts 2 -> 0, .*cgroups [1-9]\d* -> 0, .*processes [1-9]", done.stdout)


def test_an_interrupted_tour_leaves_nothing() -> None:
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        seen = ""
        for line in process.stdout:
            seen += line
            if "Soft stop" in line:  # which takes BusyBox some seconds
                process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130
        assert process.stderr
        assert process.stderr.read() == "hv: interrupted\n"
    assert "Taking down" in seen
    assert_nothing_is_left(seen)
