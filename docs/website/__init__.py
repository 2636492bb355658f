"""What the site adds to the pages: navigation, captions of code, pictures in the colours of the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from website.blocks import add_captions
from website.navigation import add_toctrees, write_index
from website.pictures import put_pictures_inline

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Join Sphinx."""
    app.connect("source-read", add_captions)
    app.connect("source-read", add_toctrees)
    app.connect("doctree-resolved", put_pictures_inline)
    app.connect("build-finished", write_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
