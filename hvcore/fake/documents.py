"""Files of JSON that are replaced as a whole, and errors of the file system that say what helps."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from hvcore.errors import StateFailed

__all__ = ["DRAFT", "explained", "read_text", "replace", "table"]

DRAFT = ".new"
"""What the name of a file ends with while it is written."""


def replace(path: Path, data: Mapping[str, Any]) -> None:
    """Write a file as a whole, so that a reader sees the old one or the new one.

    Raises:
        StateFailed: it cannot be written.
    """
    import json

    new = path.with_name(path.name + DRAFT)
    with explained("write", path):
        new.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
        new.replace(path)


def read_text(path: Path) -> str | None:
    """Return what a file holds, or None when there is none.

    Raises:
        StateFailed: it cannot be read.
    """
    with explained("read", path):
        try:
            return path.read_text("utf-8", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return None


def table(text: str) -> dict[str, Any]:
    """Return what a JSON text describes.

    Raises:
        ValueError: it is no JSON.
        TypeError: it is something else than an object.
    """
    import json

    data: object = json.loads(text)
    if not isinstance(data, dict):
        raise TypeError("it is not a JSON object")
    return cast("dict[str, Any]", data)


@contextmanager
def explained(verb: str, path: Path) -> Generator[None]:
    """Say of an error of the file system what was done, to which file, and what helps."""
    try:
        yield
    except OSError as error:
        raise StateFailed(
            f"cannot {verb} {path}: {error.strerror}",
            resolution="check free space and permissions, or set HVCORE_STATE_DIR to a directory you may write",
        ) from error
