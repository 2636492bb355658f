"""The tour on fake, as a user who may write neither below /run nor below /var/log."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# The first tour loads, and finds, what an ordinary user might not be able to read where root's interpreter is installed.
TOURS = """
import importlib.metadata, os, sys
from hvcore.cli.main import main
sys.argv = ["hv", "demo", "--hypervisor", "fake"]
if os.geteuid() == 0:
    assert main() == 0
    import hvcore.discovery
    found = hvcore.discovery.find_all()
    hvcore.discovery.find_all = lambda: found
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
print("-- now without privileges", os.geteuid(), flush=True)
sys.exit(main())
"""


def test_the_tour_works_for_an_ordinary_user(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    for directory in tmp_path.parents:
        # Up to the first one that is everybody's; those of pytest are its user's alone.
        if directory.stat().st_mode & 0o005 == 0o005:
            break
        directory.chmod(directory.stat().st_mode | 0o011)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HVCORE_")}
    done = subprocess.run(
        [sys.executable, "-c", TOURS],
        env={**kept, "TMPDIR": str(tmp_path), "HOME": "/nonexistent"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tour = done.stdout.partition("-- now without privileges")[2]
    assert not tour.startswith(" 0\n")
    assert "nothing was left behind" in tour
    assert "left behind: " not in tour.replace("nothing was left behind: ", "")
    assert list(tmp_path.iterdir()) == []
