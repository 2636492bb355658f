"""Installed distributions of the tests' own, found as any other, and hosts with directories of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any, cast

import pytest

from hvcore.host import Host, load
from hvcore.plugin import HypervisorPlugin


class Site:
    """A folder on the path of imports, into which distributions are installed; ``prepend`` puts another before it."""

    def __init__(self, directory: Path, prepend: Callable[[Path], None]) -> None:
        self.directory = directory
        self.prepend = prepend
        self.modules: list[str] = []

    def install(
        self,
        project: str,
        entry_points: Mapping[str, Mapping[str, str]] | str,
        *,
        version: str = "1.0",
        modules: Mapping[str, str] | None = None,
        metadata: str | None = None,
    ) -> Path:
        """Install a distribution and return its dist-info folder; ``metadata`` replaces its METADATA, "" leaves it out."""
        folder = self.directory / f"{project.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        if metadata != "":
            (folder / "METADATA").write_text(
                metadata or f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n"
            )
        if not isinstance(entry_points, str):
            entry_points = "\n".join(
                f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in names.items())
                for group, names in entry_points.items()
            )
        (folder / "entry_points.txt").write_text(entry_points)
        for name, source in (modules or {}).items():
            (self.directory / f"{name}.py").write_text(dedent(source))
            self.modules.append(name)
        return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    directory = tmp_path / "site"
    directory.mkdir()
    made = Site(directory, monkeypatch.syspath_prepend)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    made.prepend(directory)
    yield made
    for name in made.modules:
        sys.modules.pop(name, None)


MakeHost = Callable[..., Host]


@pytest.fixture
def make_host(tmp_path: Path) -> MakeHost:
    """Make a host of given hypervisors with directories of its own; ``discover=True`` looks for installed ones, too."""

    def make(*plugins: HypervisorPlugin, discover: bool = False, **options: Any) -> Host:
        directories = {"state_dir": tmp_path / "state", "log_dir": tmp_path / "log"}
        return load(**cast("Any", {**directories, "plugins": plugins, "discover": discover, **options}))

    return make
