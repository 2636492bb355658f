"""The distributions on the path of imports, as far as finding plugins needs them.

A folder of ``*.dist-info`` is read here: importing importlib.metadata, with the mail parser that it reads names with, takes
as long as all the rest of a listing. Whatever else is on the path (an archive, an egg) is left to importlib.metadata.

Source: the packaging specifications, "Recording installed projects", "Entry points" and "Core metadata".
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import NamedTuple, Protocol

__all__ = ["Installed", "Point", "distributions"]

_VALUE = re.compile(r"([\w.]+)\s*(?::\s*([\w.]+))?\s*(?:\[.*\])?")


class Point(Protocol):
    """An entry point; importlib.metadata's own are of this kind."""

    @property
    def group(self) -> str:
        """Its group."""
        ...

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def value(self) -> str:
        """What it names, as ``module:object``."""
        ...

    def load(self) -> object:
        """Import what it names."""
        ...


class Installed(Protocol):
    """An installed distribution; importlib.metadata's own are of this kind."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def version(self) -> str:
        """Its version."""
        ...

    @property
    def entry_points(self) -> Iterable[Point]:
        """Its entry points."""
        ...

    def read_text(self, filename: str) -> str | None:
        """Return a file of its metadata, or None when it has none of that name."""
        ...


def distributions() -> Iterator[Installed]:
    """Yield every distribution on the path of imports, in the order of the path."""
    for place in sys.path:
        try:
            names = sorted(os.listdir(place or "."))
        except FileNotFoundError:
            continue
        except OSError:
            names = None
        if names is None or any(name.endswith((".egg-info", ".egg")) for name in names):
            from importlib.metadata import distributions as any_distributions

            yield from any_distributions(path=[place])
        else:
            yield from (_Folder(os.path.join(place, name)) for name in names if name.endswith(".dist-info"))


class _Folder(NamedTuple):
    """A distribution whose metadata is a folder."""

    path: str

    @property
    def name(self) -> str:
        return self._field("Name")

    @property
    def version(self) -> str:
        return self._field("Version")

    @property
    def entry_points(self) -> tuple[_Point, ...]:
        points: list[_Point] = []
        group = ""
        for raw in (self.read_text("entry_points.txt") or "").splitlines():
            line = raw.strip()
            if line.startswith("[") and line.endswith("]"):
                group = line[1:-1].strip()
            elif line and line[0] not in "#;":
                name, equals, value = line.partition("=")
                if not equals:
                    raise ValueError(f"entry_points.txt: {line!r} is not of the form name = value")
                points.append(_Point(group, name.strip(), value.strip()))
        return tuple(points)

    def read_text(self, filename: str) -> str | None:
        try:
            with open(os.path.join(self.path, filename), encoding="utf-8") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _field(self, key: str) -> str:
        """One field of the metadata's head, which an empty line ends; "" when it is not there."""
        for line in (self.read_text("METADATA") or "").splitlines():
            name, colon, value = line.partition(":")
            if not line or not colon:
                break
            if name.lower() == key.lower():
                return value.strip()
        return ""


class _Point(NamedTuple):
    group: str
    name: str
    value: str

    def load(self) -> object:
        from importlib import import_module

        match = _VALUE.fullmatch(self.value)
        if match is None:
            raise ValueError(f"{self.value!r} is not of the form module:object")
        module, attribute = match.groups()
        return reduce(getattr, attribute.split(".") if attribute else (), import_module(module))
