"""The tour on real chroots, as a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hvcore.testing.leaks import snapshot

pytestmark = pytest.mark.live

DEMO = [sys.executable, "-W", "error", "-m", "hvcore.cli.main", "demo", "-H", "chroot"]


def test_the_tour_shows_what_the_kernel_does_and_leaves_out_what_a_chroot_has_not() -> None:
    done = subprocess.run(DEMO, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"everything in (\S+/hv-demo-([0-9a-f]{6})-\S+)\.", done.stdout)
    assert found, done.stdout
    assert not Path(found[1]).exists()
    assert not any(snapshot([found[2], found[1]]).values())
    assert "   state: paused\n" in done.stdout
    assert "   | BusyBox init is up\n" in done.stdout
    assert "Ballooning" not in done.stdout
    assert re.search(r"nothing was left behind: mounts 10 -> 0, .*processes 2 -> 0", done.stdout)
