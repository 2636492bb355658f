"""Reading what is installed, beside importlib.metadata, which reads the same."""

from __future__ import annotations

import importlib.metadata
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvcore.installed import Installed, distributions

if TYPE_CHECKING:
    from tests.core.conftest import Site

Told = set[tuple[str, str, tuple[tuple[str, str], ...]]]


def tell(installed: list[Installed]) -> Told:
    return {(i.name, i.version, tuple(sorted((p.group, p.name) for p in i.entry_points))) for i in installed}


def theirs() -> Told:
    return {
        (d.name, d.version, tuple(sorted((p.group, p.name) for p in d.entry_points)))
        for d in importlib.metadata.distributions()
    }


def test_tells_the_same_of_this_environment_as_importlib() -> None:
    assert tell(list(distributions())) == theirs()


def test_tells_the_same_of_every_kind_of_place(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("hvcore-folder", {"hvcore.toy": {"a": "x:y"}})
    egg = tmp_path / "eggs" / "hvcore_egg-2.0.egg-info"
    egg.mkdir(parents=True)
    (egg / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: hvcore-egg\nVersion: 2.0\n")
    (egg / "entry_points.txt").write_text("[hvcore.toy]\nb = x:y\n")
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("hvcore_zip-3.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: hvcore-zip\nVersion: 3.0\n")
        file.writestr("hvcore_zip-3.0.dist-info/entry_points.txt", "[hvcore.toy]\nc = x:y\n")
    for place in (egg.parent, archive, tmp_path / "missing", tmp_path / "empty"):
        site.prepend(place)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(site.directory)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    ours = tell(list(distributions()))
    assert ours == theirs()
    assert {"hvcore-folder", "hvcore-egg", "hvcore-zip"} <= {name for name, _, _ in ours}


WORDS = st.from_regex(r"[a-z][a-z0-9_.]{0,6}", fullmatch=True)
BLANKS = st.sampled_from(["", " ", "\t"])
LINES = st.one_of(
    st.builds("[{}]".format, WORDS),
    st.builds("{}{}{}={}{}:{}{}".format, BLANKS, WORDS, BLANKS, BLANKS, WORDS, WORDS, BLANKS),
    st.builds("# {}".format, WORDS),
    BLANKS,
)


@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_reads_a_list_of_entry_points_as_importlib_does(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str
) -> None:
    directory = tmp_path_factory.mktemp("site")
    folder = directory / "any-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: any\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_bytes(end.join(["[first]", *lines, ""]).encode())
    before = sys.path[:]
    sys.path[:] = [str(directory)]
    try:
        [ours] = distributions()
    finally:
        sys.path[:] = before
    [wanted] = importlib.metadata.distributions(path=[str(directory)])
    assert [(p.group, p.name) for p in ours.entry_points] == [(p.group, p.name) for p in wanted.entry_points]


def test_loads_what_an_entry_point_names(site: Site) -> None:
    values = {
        "module": "os",
        "object": "os:sep",
        "deep": "os : path.sep",
        "extra": "os:sep [more]",
        "dotted": "os.path",
    }
    site.install("hvcore-values", {"hvcore.toy": values})
    [installed] = [each for each in distributions() if each.name == "hvcore-values"]
    loaded = {point.name: point.load() for point in installed.entry_points}
    import os

    assert loaded == {"module": os, "object": "/", "deep": "/", "extra": "/", "dotted": os.path}


@pytest.mark.parametrize("value", ["", "a b", "os:", ":sep", "os:a-b"])
def test_a_value_that_names_nothing_is_an_error_when_it_is_loaded(site: Site, value: str) -> None:
    site.install("hvcore-values", {"hvcore.toy": {"odd": value}})
    [installed] = [each for each in distributions() if each.name == "hvcore-values"]
    [point] = installed.entry_points
    with pytest.raises(ValueError, match="is not of the form module:object"):
        point.load()


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ("Name: a\nVersion: 1\n", ("a", "1")),
        ("Metadata-Version: 2.1\nname: a\nVERSION:2\n\nName: body\n", ("a", "2")),
        ("\nName: a\n", ("", "")),
        ("", ("", "")),
    ],
)
def test_reads_the_head_of_the_metadata(site: Site, metadata: str, told: tuple[str, str]) -> None:
    folder = site.install("hvcore-head", {})
    (folder / "METADATA").write_text(metadata)
    installed = list(distributions())
    assert told in {(each.name, each.version) for each in installed}
