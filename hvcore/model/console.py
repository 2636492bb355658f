"""How to reach an instance's console; nothing here opens it."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from hvcore.model.names import check_instance_name, refuse_control_characters
from hvcore.model.refusal import missing, refused
from hvcore.model.validation import by, check_integer, member

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ConsoleKind", "InstanceConsole"]

_LAST_PORT = 65535
_LAST_DISPLAY = _LAST_PORT - 5900  # VNC: a display is a port counted from 5900


class ConsoleKind(enum.StrEnum):
    """The ways to a console."""

    SSH = "ssh"
    VNC = "vnc"
    SPICE = "spice"
    MESSAGE = "msg"


_NEEDED = {
    ConsoleKind.SSH: ("host", "user", "command"),
    ConsoleKind.VNC: ("host", "port", "display"),
    ConsoleKind.SPICE: ("host", "port"),
    ConsoleKind.MESSAGE: ("message",),
}


def _kind(value: ConsoleKind | str) -> ConsoleKind:
    return member(ConsoleKind, value, "kind")


def _check_port(value: object, key: str) -> None:
    if value is not None:
        check_integer(value, key, 1, _LAST_PORT)


def _check_display(value: object, key: str) -> None:
    if value is not None:
        check_integer(value, key, 0, _LAST_DISPLAY)


def _check_message(value: object, key: str) -> None:
    if not isinstance(value, str):
        raise refused(key, value, "text")


def _check_word(value: object, key: str) -> None:
    """Refuse what the tool that connects would read as an option or as several words."""
    word = refuse_control_characters(value, key)
    if word.startswith("-") or " " in word:
        raise refused(key, value, "one word that does not begin with a hyphen")


def _check_command(value: object) -> None:
    if isinstance(value, str):
        raise refused("command", value, "a list of words, not one text")


def _check_argument(word: object, key: str) -> None:
    if not isinstance(word, str) or "\0" in word:
        raise refused(key, word, "text without a null byte")


def _command(value: Iterable[str]) -> tuple[str, ...]:
    _check_command(value)
    words = tuple(value)
    for index, word in enumerate(words):
        _check_argument(word, f"command[{index}]")
    return words


@frozen
class InstanceConsole:
    """The way to an instance's console.

    Args:
        instance: the instance's name.
        kind: ssh needs host, user and command; vnc needs host, port and display; spice needs host and port; msg needs
            message.
        message: what to tell the user in place of a console.
        host: the node's host name or address.
        port: the TCP port, or None for the usual one.
        user: the user on the node.
        command: the argument list to run there.
        display: the VNC display; 0 is the first.

    Raises:
        InvalidInput: the kind is unknown, lacks what it needs, or a field is out of its range.

    Source: Ganeti ``objects.InstanceConsole.Validate``, which takes display 0 for none.
    """

    instance: str = field(validator=by(check_instance_name))
    kind: ConsoleKind = field(converter=_kind)
    message: str = field(default="", validator=by(_check_message))
    host: str = field(default="", validator=by(_check_word))
    port: int | None = field(default=None, validator=by(_check_port))
    user: str = field(default="", validator=by(_check_word))
    command: tuple[str, ...] = field(default=(), converter=_command)
    display: int | None = field(default=None, validator=by(_check_display))

    def __attrs_post_init__(self) -> None:
        for name in _NEEDED[self.kind]:
            if getattr(self, name) in {None, "", ()}:
                raise missing(name, f"what a console of kind {self.kind} needs: {', '.join(_NEEDED[self.kind])}")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON."""
        return {
            "instance": self.instance,
            "kind": self.kind.value,
            "message": self.message,
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "command": list(self.command),
            "display": self.display,
        }
