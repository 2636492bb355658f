"""The tests of test_cgroups_live.py once more, where version 2 is all that can be seen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hvcore.system.cgroup_layout import current_layout

pytestmark = pytest.mark.live

# In a private mount namespace, cgroup2 takes the place of everything at /sys/fs/cgroup. It is bound from where it is
# mounted: mounting it anew would reset the mount options that the whole machine shares.
ONLY_VERSION_2 = """
set -e
if [ -n "$UNIFIED" ]; then mount --bind "$UNIFIED" "$SCRATCH"; else mount -t cgroup2 cgroup2 "$SCRATCH"; fi
umount --recursive --lazy /sys/fs/cgroup
mount --bind "$SCRATCH" /sys/fs/cgroup
umount "$SCRATCH"
"$PYTHON" -c 'from hvcore.system.cgroup_layout import current_layout as now; print(now().mode, now().hierarchies)'
exec "$PYTHON" -m pytest -m live -p no:cacheprovider -q "$TESTS"
"""


def test_on_version_2_alone(tmp_path: Path, need: Callable[..., None]) -> None:
    need("unshare", "mount", "umount")
    environment = {
        **os.environ,
        "UNIFIED": current_layout().unified or "",
        "SCRATCH": str(tmp_path),
        "PYTHON": sys.executable,
        "TESTS": str(Path(__file__).with_name("test_cgroups_live.py")),
        "PYTEST_ADDOPTS": "",
    }
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ONLY_VERSION_2]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("v2 ('/sys/fs/cgroup',)\n")
    assert re.search(r"^\d+ passed in ", done.stdout, re.MULTILINE), done.stdout
