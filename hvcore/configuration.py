"""The configuration file: which plugins are wanted, and their order.

::

    [plugins]
    allow = ["overlay", "hvcore-audit"]   # the only ones to use beside the built-in; as HVCORE_PLUGINS
    disable = ["broken"]                  # never to use; as HVCORE_DISABLE
    order = ["audit", "overlay"]          # those asked first in front; as HVCORE_ORDER

A variable of the environment wins over the file's entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, cast

from hvcore.discovery import Selection
from hvcore.errors import InvalidInput

__all__ = ["read_configuration"]

_KEYS = ("allow", "disable", "order")


def read_configuration(path: str) -> tuple[Selection, tuple[str, ...]]:
    """Read a configuration file.

    Returns:
        Which plugins are wanted, and in which order.

    Raises:
        InvalidInput: it cannot be read, or says what cannot be accepted.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise InvalidInput(
            f"the configuration cannot be read: {error.strerror}",
            file=path,
            key="HVCORE_CONFIG",
            resolution="let HVCORE_CONFIG name a file that can be read, or unset it",
        ) from error
    return _parse(path, content)


def _parse(path: str, content: bytes) -> tuple[Selection, tuple[str, ...]]:
    import tomllib

    try:
        text = content.decode()
        data = tomllib.loads(text)
    except ValueError as error:
        from hvcore.model.toml_lines import fault_line

        line = None if isinstance(error, UnicodeDecodeError) else fault_line(content.decode())
        raise InvalidInput(
            f"the configuration is no TOML: {error}", file=path, line=line, resolution="mend the file"
        ) from error
    plugins = data.get("plugins", {})
    for key in data:
        if key != "plugins":
            _refuse(path, text, key, data[key], "plugins")
    if not isinstance(plugins, dict):
        _refuse(path, text, "plugins", plugins, "a table [plugins]")
    table = cast("Mapping[str, object]", plugins)
    for key, value in table.items():
        shown: object = value
        if key not in _KEYS:
            _refuse(path, text, f"plugins.{key}", value, ", ".join(_KEYS))
        names = cast("list[object]", value) if isinstance(value, list) else [None]
        if not all(isinstance(name, str) and name for name in names):
            _refuse(path, text, f"plugins.{key}", shown, "a list of names")
    lists = cast("Mapping[str, list[str]]", plugins)
    allowed = frozenset(lists["allow"]) if "allow" in lists else None
    selection = Selection(allowed, frozenset(lists.get("disable", ())), f"{path} (allow)", f"{path} (disable)")
    return selection, tuple(lists.get("order", ()))


def _refuse(path: str, text: str, key: str, value: object, allowed: str) -> NoReturn:
    from hvcore.model.refusal import closest, refused, unknown_key
    from hvcore.model.toml_lines import line_of, locate_keys

    name = key.rpartition(".")[2]
    known = {*_KEYS, "plugins"} if "." in key else {"plugins"}
    if name in known:
        error = refused(key, value, allowed)
    else:
        error = unknown_key(key, name, value, allowed.split(", "))
        error.resolution = f"did you mean {near}?" if (near := closest(name, known)) else f"remove {key}"
    error.file, error.line = path, line_of(locate_keys(text), key)
    raise error
