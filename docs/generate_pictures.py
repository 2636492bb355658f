"""Draw the pictures of the documentation.

Run ``python docs/generate_pictures.py`` to draw them, with ``--check`` to compare them only: the exit status is then 1 when
one of them is not what the code draws.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from diagrams.journal import journal
from diagrams.layers import layers
from diagrams.migration import migration
from diagrams.route import route

PICTURES = Path(__file__).resolve().parent / "pictures"


def pictures() -> dict[str, str]:
    """Return the text of every picture by its file name."""
    return {"journal.svg": journal(), "layers.svg": layers(), "migration.svg": migration(), "route.svg": route()}


def stale_pictures(drawn: Mapping[str, str]) -> list[str]:
    """Return the names of the files that are not what the code draws."""
    files = {name: PICTURES / name for name in drawn}
    return [name for name, file in files.items() if not file.is_file() or file.read_text("utf-8") != drawn[name]]


def main(argv: Sequence[str] | None = None) -> int:
    """Draw or compare the pictures."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the documentation.")
    parser.add_argument("--check", action="store_true", help="only compare; exit status 1 when a picture is stale")
    only_check = cast("bool", parser.parse_args(argv).check)
    drawn = pictures()
    stale = stale_pictures(drawn)
    for name in stale:
        print(f"{'stale' if only_check else 'drawn'}: {PICTURES / name}")
        if not only_check:
            PICTURES.mkdir(parents=True, exist_ok=True)
            (PICTURES / name).write_text(drawn[name], "utf-8")
    return 1 if stale and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
