"""The site that is built from the pages: it builds without a warning, and has what only a site can have."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs_pages import DOCS, PAGES, ROOT, title_of
from website.blocks import captioned, with_titles
from website.navigation import sections_of

OUTSIDE = re.compile(r"""(?:src|href)=["'](?:https?:)?//[^"']*["']""")


def test_captions_come_from_the_comments_before_blocks() -> None:
    text = "<!-- file: a.py -->\n```python\nx = 1\n```\n\n<!-- fragment -->\n```python\ny\n```\n"
    made = captioned(text)
    assert ":caption: a.py\n\nx = 1\n" in made
    assert "<!-- fragment -->\n```python\ny\n```\n" in made


def test_a_link_that_shows_a_path_gets_the_title() -> None:
    assert with_titles("see [docs/a.md](docs/a.md) and [b](b.md)") == "see [](docs/a.md) and [b](b.md)"


def test_sections_come_from_the_lists_of_the_index() -> None:
    text = "# All\n\n[no](no.md)\n\n## One: first\n\nwords [no](no.md)\n\n- [a](a/b.md), [c](../c.md)\n  [d](d.md#x)\n\n## Two\n"
    assert sections_of(text, "docs") == {"One": ["docs/a/b", "c"]}


def test_the_navigation_has_every_page() -> None:
    listed = {page for pages in sections_of((DOCS / "README.md").read_text("utf-8"), "docs").values() for page in pages}
    wanted = {title_of(page).removesuffix(".md") for page in PAGES}
    assert wanted - listed <= {"README", "docs/README"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for module in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(module, reason="the site is built in the environment of the documentation")
    place = tmp_path_factory.mktemp("site")
    words = ["-q", "-W", "--keep-going", "-d", str(place / "doctrees"), "-c", str(DOCS), str(ROOT), str(place / "html")]
    done = subprocess.run([sys.executable, "-m", "sphinx", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return place / "html"


def test_every_page_is_on_the_site(site: Path) -> None:
    for page in PAGES:
        assert (site / title_of(page)).with_suffix(".html").is_file()
    assert (site / "index.html").read_bytes() == (site / "README.html").read_bytes()


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for file in site.rglob("*.html"):
        loaded = [
            tag
            for tag in re.findall(r"<(?:script|link|img|iframe)[^>]*>", file.read_text("utf-8"))
            if OUTSIDE.search(tag)
        ]
        assert loaded == [], file


def test_pictures_are_a_part_of_their_page(site: Path) -> None:
    text = (site / "docs/explanation/architecture.html").read_text("utf-8")
    assert text.count('<svg role="img" aria-label="') == 4
    assert "<img" not in text.partition("<article")[2].partition("</article>")[0]
