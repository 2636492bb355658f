"""What the documentation names is there: pages, headings, files, modules, commands, variables."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from docs_pages import DOCS, EXAMPLE_PAGES, PAGES, ROOT, blocks_of, prose_of, title_of

import hvcore
from hvcore.cli.verbs import VERBS
from hvcore.discovery import ALL_GROUP, HYPERVISORS_GROUP, extension_group

LINK = re.compile(r"\[[^][]*\]\(([^()\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?:hvcore|plugins|docs|tests|\.ci)/[\w./-]*")
DOTTED = re.compile(r"hvcore(?:_lxc|_chroot)?(?:\.\w+)+")
MAKE = re.compile(r"\bmake ([a-z]+)\b")
HV = re.compile(r"\bhv(?: -H \w+| --[a-z-]+)* ([a-z][a-z-]*)\b")
VARIABLE = re.compile(r"\bHVCORE_[A-Z_]+\b")
FORBIDDEN = re.compile(r"/home/|/root/|\w://|\blocalhost\b|\b(?:TODO|FIXME|XXX)\b")
LOGGERS = {"hvcore.notices", "hvcore.power", "hvcore.audit"}
GROUPS = {HYPERVISORS_GROUP, ALL_GROUP, *map(extension_group, hvcore.load().hypervisor_names)}
ALL_PAGES = [*PAGES, *EXAMPLE_PAGES]
SOURCES = [
    *(ROOT / "hvcore").rglob("*.py"),
    *(ROOT / "plugins").rglob("*.py"),
    *(DOCS / "examples").rglob("*.py"),
    ROOT / "Makefile",
    ROOT / "tests" / "conftest.py",
]


def words_of(page: Path) -> list[str]:
    """Return what a page writes as code: words in its prose, and lines of its shell blocks."""
    lines = [
        line.partition("#")[0]
        for b in blocks_of(page)
        if b.language in {"sh", "console"}
        for line in b.text.splitlines()
    ]
    return CODE.findall(prose_of(page)) + lines


def headings_of(page: Path) -> set[str]:
    found = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", ALL_PAGES, ids=title_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose_of(page)):
        assert "://" not in link, f"{link} leads out of the documentation"
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in headings_of(file), f"{link}: there is no such heading"


@pytest.mark.parametrize("page", ALL_PAGES, ids=title_of)
def test_named_files_exist(page: Path) -> None:
    written = {block.file for block in blocks_of(page)}
    for word in words_of(page):
        if PATH.fullmatch(word):
            places = (ROOT / word, page.parent / word)
            assert word in written or any(place.exists() for place in places), f"{word} does not exist"


@pytest.mark.parametrize("page", ALL_PAGES, ids=title_of)
def test_named_modules_and_their_contents_exist(page: Path) -> None:
    for word in words_of(page):
        name = word.partition("(")[0]
        if DOTTED.fullmatch(name) and name not in GROUPS | LOGGERS:
            resolve(name)


def resolve(name: str) -> object:
    parts = name.split(".")
    thing: object = importlib.import_module(parts[0])
    for length, part in enumerate(parts[1:], start=2):
        thing = getattr(thing, part) if hasattr(thing, part) else importlib.import_module(".".join(parts[:length]))
    return thing


@pytest.mark.parametrize("page", ALL_PAGES, ids=title_of)
def test_named_commands_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for word in words_of(page):
        assert set(MAKE.findall(word)) <= targets, word
        if word.startswith(("hv ", "eval ")):
            assert set(HV.findall(word)) <= VERBS.keys(), word


@pytest.mark.parametrize("page", ALL_PAGES, ids=title_of)
def test_named_variables_exist(page: Path) -> None:
    known = {name for source in SOURCES for name in VARIABLE.findall(source.read_text("utf-8", "replace"))}
    assert set(VARIABLE.findall(page.read_text("utf-8"))) <= known


def test_every_variable_that_is_read_is_in_the_readme() -> None:
    settings = (ROOT / "hvcore" / "settings.py").read_text("utf-8") + (ROOT / "hvcore" / "discovery.py").read_text(
        "utf-8"
    )
    assert set(VARIABLE.findall(settings)) <= set(VARIABLE.findall((ROOT / "README.md").read_text("utf-8")))


@pytest.mark.parametrize("page", ALL_PAGES, ids=title_of)
def test_nothing_is_told_that_is_true_of_one_machine_only(page: Path) -> None:
    found = FORBIDDEN.search(page.read_text("utf-8"))
    assert found is None, found


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(prose_of(index))}
    assert {page for page in ALL_PAGES if page != index} <= linked


def test_the_readme_leads_to_whatever_somebody_may_want_to_do() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in LINK.findall(prose_of(ROOT / "README.md"))}
    assert {page for page in PAGES if page.parent.name in {"tutorial", "how-to", "explanation"}} <= linked


def test_the_licence_is_there_and_named() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License 2.0" in (ROOT / "README.md").read_text("utf-8")
