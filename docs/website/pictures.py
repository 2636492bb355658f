"""Pictures as a part of the page, so that they take the colours of its theme."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

__all__ = ["put_pictures_inline"]


def put_pictures_inline(app: Sphinx, tree: nodes.document, _page: str) -> None:
    """Replace every image that is an SVG by its drawing; a narrow screen scrolls it."""
    from docutils import nodes

    if app.builder.format != "html":
        return
    for image in list(tree.findall(nodes.image)):
        if not image["uri"].endswith(".svg"):
            continue
        drawing = Path(app.srcdir, image["uri"]).read_text("utf-8")
        alt = html.escape(image.get("alt", ""), quote=True)
        drawing = drawing.replace("<svg ", f'<svg role="img" aria-label="{alt}" ', 1)
        image.replace_self(nodes.raw("", f'<div class="picture" tabindex="0">{drawing}</div>', format="html"))
