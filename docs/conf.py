"""The site that Sphinx builds from the Markdown pages; ``make docs`` runs it.

The pages are plain Markdown that reads well without a site. What only a site can do is added while it is built, by the
modules in ``docs/website``: the navigation, captions of code, and pictures that follow the theme.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

_DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(_DOCS))

project = "hvcore"
copyright = "the hvcore authors, Apache License 2.0"  # noqa: A001 - the name that Sphinx asks for
version = release = tomllib.loads((_DOCS.parent / "pyproject.toml").read_text("utf-8"))["project"]["version"]
language = "en"

extensions = ["myst_parser", "website"]

# The source is the whole checkout, so that links between README, docs/ and plugins/ lead to pages.
root_doc = "README"
source_suffix = {".md": "markdown"}
include_patterns = ["README.md", "docs/**", "plugins/*/README.md"]
exclude_patterns = [".*", "**/.*", "build", "dist", "hvcore", "tests", "**/tests", "**/src", "**/__pycache__"]

myst_heading_anchors = 4
highlight_language = "text"
smartquotes = False  # options such as --force keep their hyphens

html_theme = "furo"
html_title = "hvcore"
html_static_path = ["website/static"]
html_css_files = ["hvcore.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#1d4ed8", "color-brand-content": "#1d4ed8"},
    "dark_css_variables": {"color-brand-primary": "#7cb0ff", "color-brand-content": "#7cb0ff"},
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
