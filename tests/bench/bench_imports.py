"""What a person waits for: importing hvcore, and ``hv list``, beside the bare interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROUNDS = 15


def test_import_and_list(tmp_path: Path, timed: Any, report: Any) -> None:
    """Whole processes, in turn; ``hv list`` on a node with nothing running."""
    environment = {**os.environ, "HVCORE_STATE_DIR": str(tmp_path / "run"), "HVCORE_LOG_DIR": str(tmp_path / "log")}
    hv = Path(sys.executable).with_name("hv")
    bare, imported, loaded, listed = [], [], [], []

    def run(*words: str) -> float:
        return float(timed(lambda: subprocess.run(words, check=True, env=environment, capture_output=True)))

    for _ in range(ROUNDS):
        bare.append(run(sys.executable, "-c", "pass"))
        imported.append(run(sys.executable, "-c", "import hvcore"))
        loaded.append(run(sys.executable, "-c", "import hvcore; hvcore.load().hypervisor_names"))
        listed.append(run(str(hv), "list"))
    report("import hvcore / bare interpreter", imported, bare)
    report("import hvcore and load the host / bare interpreter", loaded, bare)
    report("hv list / bare interpreter", listed, bare)
