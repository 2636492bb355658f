"""Instance files as the command line takes them: with -H in place of a missing key, and places for late errors."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hvcore.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Generator

    from hvcore.model.instance import Instance

__all__ = ["placing_errors", "read_instance"]

_TABLES = ("", "parameters.", "backend.")
"""Where a key of an error may stand in the file: errors about parameters name the parameter alone."""


def read_instance(path: str, hypervisor: str | None = None) -> Instance:
    """Read an instance file.

    Args:
        path: the TOML file.
        hypervisor: the hypervisor for a file that names none.

    Raises:
        InvalidInput: it cannot be read or holds bad input; with file, line and key.
    """
    from hvcore.model.instance import Instance

    try:
        return Instance.from_file(path)
    except InvalidInput as error:
        if hypervisor is None or error.key != "hypervisor" or error.value is not None:
            raise
    return _read_with(path, hypervisor)


@contextmanager
def placing_errors(path: str) -> Generator[None]:
    """Give errors about bad input that are raised in the body the file and the line of their key."""
    try:
        yield
    except InvalidInput as error:
        if error.file is None and error.key is not None:
            error.line = _line_of(path, error.key)
            error.file = path if path.isprintable() else repr(path)
        raise


def _read_with(path: str, hypervisor: str) -> Instance:
    from hvcore.model.instance_file import parse_instance
    from hvcore.model.names import check_hypervisor_name

    check_hypervisor_name(hypervisor)
    text = Path(path).read_text(encoding="utf-8-sig")
    try:
        return parse_instance(f'hypervisor = "{hypervisor}"\n{text}', path)
    except InvalidInput as error:
        if error.line is not None:
            error.line = max(error.line - 1, 1)  # the line that was put in front is not the user's
        raise


def _line_of(path: str, key: str) -> int:
    from hvcore.model.toml_lines import line_of, locate_keys

    try:
        lines = locate_keys(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return 1  # it was readable a moment ago, and the error itself matters more than its line
    found = (line_of(lines, table + key) for table in _TABLES)
    return next((line for line in found if line is not None), 1)
