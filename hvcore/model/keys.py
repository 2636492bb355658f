"""Dotted keys: ``disks[1].path`` for a place in nested tables and lists."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["dotted"]

_BARE = re.compile("[A-Za-z0-9_-]+")


def dotted(path: Sequence[str | int]) -> str:
    """Return the dotted key of a path.

    Args:
        path: names of keys, and indices into lists, from the outside in.

    Returns:
        One printable line. A name that is not a bare key of TOML is quoted, so two paths never share a dotted key.
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE.fullmatch(part) else repr(part))
    return text
