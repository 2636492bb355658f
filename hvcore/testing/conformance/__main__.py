"""``python -m hvcore.testing.conformance``: run suites and print what they found."""

from __future__ import annotations

import sys

from hvcore.testing.conformance.command import main

sys.exit(main())
