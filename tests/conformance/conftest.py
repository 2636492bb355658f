from __future__ import annotations

import sys
from pathlib import Path

# The broken hypervisors beside the tests are imported by path.
if str(Path(__file__).parent) not in sys.path:
    sys.path.append(str(Path(__file__).parent))
