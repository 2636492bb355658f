"""Captions of code, and names of pages: what only a site can show beside the plain text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["add_captions", "captioned", "with_titles"]

_BLOCK = re.compile(r"^<!-- (.*?) -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH_LINK = re.compile(r"\[[\w./-]+\.md\]\(([\w./-]+\.md)\)")
_CAPTIONS = {"output": "It prints", "entry points": "pyproject.toml", "live": "As root, with LXC"}


def add_captions(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Give blocks of code the captions that their comments tell, and links the titles of their pages."""
    source[0] = with_titles(captioned(source[0]))


def with_titles(text: str) -> str:
    """Return a page's text with links that show a file's path turned into links that show its title."""
    return _PATH_LINK.sub(r"[](\1)", text)


def captioned(text: str) -> str:
    """Return a page's text with the comments before blocks turned into captions."""
    return _BLOCK.sub(_with_caption, text)


def _with_caption(match: re.Match[str]) -> str:
    mark, language, code = match.groups()
    caption = mark.removeprefix("file: ") if mark.startswith("file: ") else _CAPTIONS.get(mark)
    if caption is None:
        return match[0]
    # More backticks than any block of a page has, since one may show Markdown.
    return f"`````{{code-block}} {language}\n:caption: {caption}\n\n{code}`````"
