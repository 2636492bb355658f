"""The navigation of the site, made from the lists of links in ``docs/README.md``."""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["add_toctrees", "sections_of", "write_index"]

_HEADING = re.compile(r"^## ([^:\n]+)", re.MULTILINE)
_ITEMS = re.compile(r"^- .*(?:\n  .*)*", re.MULTILINE)
_LINK = re.compile(r"\]\(([^()\s#]+\.md)\)")
_INDEX = "docs/README.md"


def sections_of(text: str, folder: str) -> dict[str, list[str]]:
    """Return the pages that each section of an index lists.

    Args:
        text: the index; every heading of the second level begins a section, and the links in its lists are the pages.
        folder: where the index lies; links are relative to it.

    Returns:
        The names of pages, as Sphinx has them, by the title of their section up to a colon.
    """
    parts = _HEADING.split(text)[1:]
    found: dict[str, list[str]] = {}
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        links = [link for item in _ITEMS.findall(body) for link in _LINK.findall(item)]
        pages = [posixpath.normpath(posixpath.join(folder, link)).removesuffix(".md") for link in links]
        if pages:
            found[title.strip()] = list(dict.fromkeys(pages))
    return found


def add_toctrees(app: Sphinx, page: str, source: list[str]) -> None:
    """Give the first page one hidden table of contents per section of the index."""
    if page != app.config.root_doc:
        return
    index = Path(app.srcdir, _INDEX)
    app.env.note_dependency(str(index))
    trees = {"": [_INDEX.removesuffix(".md")]} | sections_of(index.read_text("utf-8"), posixpath.dirname(_INDEX))
    for title, pages in trees.items():
        caption = f":caption: {title}\n" if title else ""
        source[0] += f"\n```{{toctree}}\n:hidden:\n{caption}\n" + "".join(f"/{name}\n" for name in pages) + "```\n"


def write_index(app: Sphinx, error: Exception | None) -> None:
    """Let the first page also answer to the name that web servers look for."""
    if error is None and app.builder.format == "html":
        shutil.copyfile(Path(app.outdir, f"{app.config.root_doc}.html"), Path(app.outdir, "index.html"))
