"""The documentation, as its tests see it: pages, and the blocks of code in them.

A comment in the line before a block says what it is:

``<!-- fragment -->``        it compiles, and is not run
``<!-- file: NAME -->``      it is written to NAME in the folder that the page's blocks run in; one of Python is imported,
                             unless it belongs to a package in a folder
``<!-- run -->``             it is a shell's, and runs in that folder; ``pip install -e`` is played without an index
``<!-- live -->``            it needs root and LXC
``<!-- needs: cgroups -->``  it needs a node on which a container could be limited
``<!-- entry points -->``    it is a pyproject whose entry points name what the page's files hold
``<!-- output -->``          it is what the block before it prints; ``<!-- output: TEXT -->`` is a part of that; after a
                             shell's block a line ``...`` stands for any lines, and ``...`` within one for any text
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
# The pages of a distribution of its own are tested with it; here only what they name.
EXAMPLE_PAGES = sorted(EXAMPLES.glob("hvcore-*/README.md"))
PAGES = [
    ROOT / "README.md",
    *(
        page
        for page in sorted(DOCS.rglob("*.md"))
        if page not in EXAMPLE_PAGES and "/." not in str(page.relative_to(DOCS))
    ),
]
MADE = "<!-- Made by docs/generate_reference.py"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- (.*?) -->\n\Z")
_OUTPUT = re.compile(r"\n*<!-- output: (.*?) -->")


class Block(NamedTuple):
    """One block of code."""

    page: Path
    line: int
    language: str
    text: str
    mark: str
    printed: str

    @property
    def name(self) -> str:
        return f"{title_of(self.page)}:{self.line}"

    @property
    def file(self) -> str:
        return self.mark.removeprefix("file: ") if self.mark.startswith("file: ") else ""


def title_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    found: list[Block] = []
    for match in _FENCE.finditer(text):
        before = _COMMENT.search(text, 0, match.start())
        mark = before[1] if before else ""
        line = text.count("\n", 0, match.start()) + 1
        if mark == "output":
            found[-1] = found[-1]._replace(printed=match[2])
            continue
        part = _OUTPUT.match(text, match.end())
        found.append(Block(page, line, match[1], match[2], mark, part[1] if part else ""))
    return found


def prose_of(page: Path) -> str:
    """Return a page without its blocks of code."""
    return _FENCE.sub("", page.read_text("utf-8"))
