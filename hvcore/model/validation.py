"""Checks that several values share, and the adapter that makes attrs call them."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from hvcore.model.names import refuse_control_characters
from hvcore.model.refusal import refused

if TYPE_CHECKING:
    from attrs import Attribute

__all__ = ["by", "check_absolute_path", "check_flag", "check_integer", "check_mount_point", "member"]

_MAX_PATH_BYTES = 4095
_Member = TypeVar("_Member", bound=enum.StrEnum)


def by(check: Callable[[object, str], object]) -> Callable[[Any, Attribute[Any], Any], None]:
    """Return an attrs validator that calls ``check(value, key)`` with the field's name as the key."""

    def validator(_: Any, attribute: Attribute[Any], value: Any) -> None:
        check(value, attribute.name)

    return validator


def member(kind: type[_Member], value: object, key: str) -> _Member:
    """Return the member of an enumeration that a text names.

    Raises:
        InvalidInput: the enumeration has no such member.
    """
    if isinstance(value, str):
        for candidate in kind:
            if candidate == value:
                return candidate
    raise refused(key, value, f"one of {', '.join(kind)}")


def check_integer(value: object, key: str, low: int, high: int, unit: str = "") -> int:
    """Return a whole number within bounds.

    Args:
        value: the number; a bool is none.
        key: the key that the error names.
        low: the smallest that is allowed.
        high: the largest that is allowed.
        unit: the unit, for the message.

    Raises:
        InvalidInput: it is no int, or out of bounds.
    """
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise refused(key, value, f"a whole number from {low} to {high}{f' ({unit})' if unit else ''}")


def check_flag(value: object, key: str) -> bool:
    """Return a bool, or raise InvalidInput."""
    if isinstance(value, bool):
        return value
    raise refused(key, value, "true or false")


def check_absolute_path(value: object, key: str) -> str:
    """Return an absolute path.

    Raises:
        InvalidInput: it is relative, empty, longer than the kernel takes, or holds a control character.

    Source: path_resolution(7), and PATH_MAX of 4096 bytes with the closing null byte in limits.h.
    """
    path = refuse_control_characters(value, key)
    if path.startswith("/") and len(path.encode()) <= _MAX_PATH_BYTES:
        return path
    raise refused(key, value, f"an absolute path of at most {_MAX_PATH_BYTES} bytes, such as /srv/web1.rootfs")


def check_mount_point(value: object, key: str) -> str:
    """Return a place inside an instance: "" for none, or an absolute path in its shortest form.

    Raises:
        InvalidInput: it is relative, or could be written shorter, or holds "..".
    """
    if value == "":
        return ""
    path = check_absolute_path(value, key)
    parts = path[1:].split("/")
    if path == "/" or not any(part in {"", ".", ".."} for part in parts):
        return path
    raise refused(key, value, 'an absolute path without "..", "." and doubled or closing slashes, such as /srv/data')
