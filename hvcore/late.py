"""Names that a module offers and that are imported from elsewhere when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Mapping

__all__ = ["load_late"]


def load_late(module: str, homes: Mapping[str, str], name: str) -> object:
    """Return what a module offers under a name, and keep it there; for the module's own ``__getattr__``.

    Args:
        module: the module's name.
        homes: name -> the module that defines it.
        name: the name that was asked for.

    Raises:
        AttributeError: the module has no such name.
    """
    home = homes.get(name)
    if home is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    vars(sys.modules[module])[name] = value
    return value
