"""Instance files: TOML that says what to run."""

from __future__ import annotations

import os
import re

from hvcore.errors import InvalidInput
from hvcore.model.instance import Instance
from hvcore.model.instance_data import instance_from_data
from hvcore.model.toml_lines import fault_line, line_of, locate_keys

__all__ = ["MAX_FILE_BYTES", "parse_instance", "read_instance_file"]

MAX_FILE_BYTES = 2**20

_MAX_KEY_PARTS = 64
_MAX_REASON = 200
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
# tomllib needs time and memory that grow with the square of a dotted key's parts. A key stands at the start of a line or
# in an inline table.
_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+"""
_LONG_KEY = re.compile(rf"(?:^[ \t]*+\[{{0,2}}|[{{,])[ \t]*+(?:{_PART}\.[ \t]*+){{{_MAX_KEY_PARTS}}}", re.MULTILINE)


def read_instance_file(path: str | os.PathLike[str]) -> Instance:
    """Read an instance file.

    Args:
        path: the TOML file, at most 1 MiB of UTF-8.

    Returns:
        The instance that it describes.

    Raises:
        InvalidInput: it cannot be read or holds bad input; with file, line, key, value and what is allowed.
    """
    file = os.fspath(path)
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: the path holds a null byte
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InvalidInput(
            f"cannot read the instance file: {reason}",
            file=_one_line(file),
            allowed="a readable TOML file",
            resolution="check the path and its permissions",
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput(
            "the instance file is too large",
            file=_one_line(file),
            allowed=f"at most {MAX_FILE_BYTES} bytes",
            resolution="check that this is an instance file and not, for example, an image",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            file=_one_line(file),
            line=data.count(b"\n", 0, error.start) + 1,
            allowed="text in UTF-8",
            resolution="save the file as UTF-8",
        ) from error
    return parse_instance(text, file)


def parse_instance(text: str, file: str) -> Instance:
    """Return the instance that the text of an instance file describes.

    Args:
        text: the TOML document.
        file: the name that errors give for it.

    Raises:
        InvalidInput: it holds bad input; with file, line, key, value and what is allowed.
    """
    import tomllib

    if long_key := _LONG_KEY.search(text):
        line = text.count("\n", 0, long_key.start()) + 1
        raise _syntax_error(f"a key has more than {_MAX_KEY_PARTS} parts", file, line)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        line = int(place.group(1)) if place and place.group(1) else text.count("\n") + 1
        raise _syntax_error(_PLACE.sub("", str(error)), file, line) from error
    except RecursionError as error:
        raise _syntax_error("values are nested too deep", file, fault_line(text)) from error
    except ValueError as error:
        raise _syntax_error("a number has too many digits", file, fault_line(text)) from error
    try:
        return instance_from_data(data)
    except InvalidInput as error:
        error.file = _one_line(file)
        # What is missing from the whole file has no line of its own.
        error.line = line_of(locate_keys(text), error.key or "") or 1
        raise


def _syntax_error(reason: str, file: str, line: int | None) -> InvalidInput:
    return InvalidInput(
        f"not valid TOML: {reason[:_MAX_REASON]}",
        file=_one_line(file),
        line=line,
        allowed="TOML 1.0",
        resolution="correct the syntax on that line",
    )


def _one_line(file: str) -> str:
    return file if file.isprintable() else repr(file)
