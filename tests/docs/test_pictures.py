"""The pictures of the documentation are what the code draws, and draw what the code does."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import generate_pictures
import pytest
from diagrams import journal, migration, route
from diagrams.canvas import Canvas
from docs_pages import DOCS, PAGES

import hvcore
from hvcore.cli.graph import ROUTE
from hvcore.spec.migration import MigrationSpec
from hvcore_lxc.spec import LxcSteps
from hvcore_lxc.steps import STEPS

DRAWN = generate_pictures.pictures()


@pytest.mark.parametrize("name", DRAWN)
def test_picture_is_what_the_code_draws(name: str) -> None:
    assert generate_pictures.stale_pictures({name: DRAWN[name]}) == [], "run: python docs/generate_pictures.py"


def test_no_picture_is_left_of_an_earlier_version() -> None:
    assert {path.name for path in (DOCS / "pictures").iterdir()} == set(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_picture_is_whole_and_needs_nothing_else(name: str) -> None:
    root = ElementTree.fromstring(DRAWN[name])
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert DRAWN[name].count("http") == 1
    assert "prefers-color-scheme:dark" in DRAWN[name]


@pytest.mark.parametrize("name", DRAWN)
def test_picture_is_shown_with_words_for_those_who_do_not_see_it(name: str) -> None:
    shown = [page.read_text("utf-8") for page in PAGES if f"pictures/{name})" in page.read_text("utf-8")]
    assert shown
    for text in shown:
        alt = text.partition(f"pictures/{name})")[0].rpartition("![")[2].partition("]")[0]
        assert len(alt.split()) > 10


def test_check_tells_stale_pictures_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate_pictures, "PICTURES", tmp_path)
    assert generate_pictures.main(["--check"]) == 1
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out.count("stale: ") == len(DRAWN)
    assert generate_pictures.main([]) == 0
    assert generate_pictures.main(["--check"]) == 0


def test_a_text_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Canvas(100, 100, "small").box(0, 0, 40, 20, ["much too long for it"], "core")


def test_the_route_has_every_hook_of_a_start() -> None:
    hooks = {hook.name: hook for hook in hvcore.load().hypervisor("lxc").scope.hooks}
    steps = [hook.name for hook in hooks.values() if hook.spec is LxcSteps]
    assert sorted(name for _, name in route.HOOKS) == sorted((*ROUTE, *steps))
    assert all(hooks[name].declaration.kind == kind for kind, name in route.HOOKS)


def test_the_handshake_has_the_calls_of_a_migration() -> None:
    questions = {"can_migrate", "versions_safe_for_migration"}
    specified = [name for name, thing in vars(MigrationSpec).items() if callable(thing) and not name.startswith("_")]
    assert [call for _, call, _ in migration.CALLS] == [name for name in specified if name not in questions]


def test_the_journal_has_the_steps_of_lxc() -> None:
    assert tuple(journal.STEPS) == STEPS
