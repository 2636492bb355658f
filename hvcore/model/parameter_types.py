"""The types that a parameter's value can have, and how text becomes one of them."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Sequence
from typing import TypeAlias, cast

from hvcore.errors import InvalidInput, InvalidParameter
from hvcore.model.names import refuse_control_characters
from hvcore.model.refusal import printable, refused, shown

__all__ = ["ParameterType", "ParameterValue", "coerce_value", "fits", "freeze_value", "is_unset", "wrong_type"]

ParameterValue: TypeAlias = bool | int | float | str | tuple[str, ...] | None
"""A parameter's value: a scalar, or a tuple for a list; None and "" mean unset."""

_INT_BITS = 63
_INTEGER = re.compile("-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,4})?")


class ParameterType(enum.StrEnum):
    """The type that a parameter is declared with."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STRING = "string"
    LIST = "list"

    @property
    def allowed(self) -> str:
        """What a user may write for this type."""
        return _ALLOWED[self]


_ALLOWED = {
    ParameterType.BOOL: "true or false",
    ParameterType.INT: "a whole number",
    ParameterType.FLOAT: "a number",
    ParameterType.STRING: "text on one line",
    ParameterType.LIST: "a list of texts, or one text with commas between the items",
}


def is_unset(value: object) -> bool:
    """Tell whether a value means "not set": None or "". 0, False and an empty list are values."""
    return value is None or value == ""


def freeze_value(value: object, key: str) -> ParameterValue:
    """Return a value that can be kept in an instance: a scalar, or a tuple of str made from a list.

    Raises:
        InvalidInput: it is a table, a date or a list of other things than text, a number without end or of more than
            64 bits, or a text with a control character.
    """
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[object]", value)
        return tuple(refuse_control_characters(item, f"{key}[{index}]") for index, item in enumerate(items))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return refuse_control_characters(value, key)
    if _is_integer(value) or (isinstance(value, float) and math.isfinite(value)):
        return cast("int | float", value)
    raise refused(key, value, "text, a number of at most 64 bits, true, false or a list of texts")


def fits(kind: ParameterType, value: object) -> bool:
    """Tell whether a value that is set has the type it is declared with; an int fits a FLOAT."""
    if kind is ParameterType.BOOL:
        return isinstance(value, bool)
    if kind is ParameterType.INT:
        return _is_integer(value)
    if kind is ParameterType.FLOAT:
        return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))
    if kind is ParameterType.STRING:
        return _is_line(value)
    return isinstance(value, (list, tuple)) and all(
        item != "" and _is_line(item) for item in cast("Sequence[object]", value)
    )


def coerce_value(kind: ParameterType, value: object, name: str) -> ParameterValue:
    """Return a value in the type it is declared with.

    Args:
        kind: the declared type.
        value: what was given: the type itself; for a number also its ASCII digits; for a bool "true" or "false" in any
            case; for a list also one text with commas between the items, where blanks around items and empty items
            count for nothing. None stays None; "" becomes None, save for a STRING ("") and a LIST (no items).
        name: the parameter's name.

    Returns:
        The value; an int for a FLOAT becomes a float.

    Raises:
        InvalidParameter: it cannot have that type.

    Source: Ganeti ``ForceDictType``.
    """
    if value is None or (value == "" and kind not in {ParameterType.STRING, ParameterType.LIST}):
        return None
    typed = _from_text(kind, value) if isinstance(value, str) else value
    if not fits(kind, typed):
        raise wrong_type(kind, value, name)
    if kind is ParameterType.FLOAT:
        return float(cast("float", typed))
    return tuple(cast("Sequence[str]", typed)) if kind is ParameterType.LIST else cast("ParameterValue", typed)


def wrong_type(kind: ParameterType, value: object, name: str) -> InvalidParameter:
    """Return the error for a value that does not have the declared type."""
    return InvalidParameter(
        f"Parameter '{name}' must be {kind.allowed} (current value: {shown(value)})",
        key=name,
        value=printable(value),
        allowed=kind.allowed,
        resolution=f"set {name} to {kind.allowed}",
    )


def _from_text(kind: ParameterType, text: str) -> object:
    if kind is ParameterType.BOOL:
        return {"true": True, "false": False}.get(text.lower(), text)
    if kind is ParameterType.INT:
        return int(text) if _INTEGER.fullmatch(text) else text
    if kind is ParameterType.FLOAT:
        return float(text) if _NUMBER.fullmatch(text) else text
    if kind is ParameterType.LIST:
        return tuple(item for item in (piece.strip(" ") for piece in text.split(",")) if item)
    return text


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= _INT_BITS


def _is_line(value: object) -> bool:
    try:
        refuse_control_characters(value, "")
    except InvalidInput:
        return False
    return True
