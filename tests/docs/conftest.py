from __future__ import annotations

import sys
from pathlib import Path

# The helper beside the tests, and the scripts of the documentation, are imported by path.
for folder in (Path(__file__).parent, Path(__file__).resolve().parents[2] / "docs"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
