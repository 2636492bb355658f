"""The five-part check of a parameter, and the ready-made ones.

Source: Ganeti ``lib/hypervisor/hv_base.py``, the ``REQ_*_CHECK`` and ``OPT_*_CHECK`` constants.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Collection
from typing import Any

from attrs import evolve, frozen

from hvcore.model.cpu_mask import parse_cpu_mask, parse_multi_cpu_mask

__all__ = [
    "CPU_MASK",
    "DIR",
    "FILE",
    "FILE_OR_URL",
    "MIGRATION_MODE",
    "MULTI_CPU_MASK",
    "NET_PORT",
    "NONNEGATIVE_INT",
    "NO_CHECK",
    "REQUIRED",
    "VIRTIO_NET_QUEUES",
    "Check",
    "param_in_set",
]

_LAST_PORT = 65535
_MOST_QUEUES = 32
_URL_SCHEMES = ("http://", "https://", "ftp://", "ftps://")


@frozen
class Check:
    """What a parameter's value must satisfy; ``as_required()`` turns an optional check into a required one.

    The functions get the value when it is set and has its declared type. They answer whether it is good;
    what they raise counts as "no" and is shown as the reason.

    Attributes:
        required: whether the parameter must be set.
        syntax: looks at the value alone, never at the world, so that it answers alike on every machine; None: all pass.
        syntax_message: the rule, for the error.
        runtime: looks at the node that will use the value; None: all pass.
        runtime_message: the rule, for the error.
    """

    required: bool = False
    syntax: Callable[[Any], object] | None = None
    syntax_message: str = ""
    runtime: Callable[[Any], object] | None = None
    runtime_message: str = ""

    def as_required(self) -> Check:
        """Return the same check for a parameter that must be set."""
        return evolve(self, required=True)


def _is_normalised_absolute(path: str) -> bool:
    return path.startswith("/") and os.path.normpath(path) == path


def _is_url(text: str) -> bool:
    scheme, separator, rest = text.partition("://")
    return f"{scheme}{separator}" in _URL_SCHEMES and rest != ""


def _is_path_or_url(text: str) -> bool:
    return _is_normalised_absolute(text) or _is_url(text)


def _is_file_or_url(text: str) -> bool:
    return _is_url(text) or _is_file(text)


def _is_file(path: str) -> bool:
    return os.path.isfile(path)


def _is_directory(path: str) -> bool:
    return os.path.isdir(path)


def _is_port(number: int) -> bool:
    return 0 < number <= _LAST_PORT


def _is_queue_count(number: int) -> bool:
    return 0 < number <= _MOST_QUEUES


def _is_not_negative(number: int) -> bool:
    return number >= 0


def _is_multi_cpu_mask(text: str) -> bool:
    parse_multi_cpu_mask(text)
    return True


NO_CHECK = Check()
"""Anything goes."""

REQUIRED = Check(required=True)
"""Only present."""

FILE = Check(
    syntax=_is_normalised_absolute,
    syntax_message="must be an absolute normalized path",
    runtime=_is_file,
    runtime_message="not found or not a file",
)
"""A file on the node."""

FILE_OR_URL = Check(
    syntax=_is_path_or_url,
    syntax_message="must be an absolute normalized path or a URL",
    runtime=_is_file_or_url,
    runtime_message="not found or not a file or URL",
)
"""A file on the node, or a URL of HTTP or FTP."""

DIR = Check(
    syntax=_is_normalised_absolute,
    syntax_message="must be an absolute normalized path",
    runtime=_is_directory,
    runtime_message="not found or not a directory",
)
"""A directory on the node."""

NET_PORT = Check(syntax=_is_port, syntax_message=f"invalid port number, must be 1 to {_LAST_PORT}")
"""A TCP or UDP port; Ganeti refuses 65535, which is one."""

CPU_MASK = Check(syntax=parse_cpu_mask, syntax_message="CPU mask definition is not well-formed")
"""A single CPU mask with at least one CPU."""

MULTI_CPU_MASK = Check(syntax=_is_multi_cpu_mask, syntax_message="Multiple CPU mask definition is not well-formed")
"""A CPU mask per virtual CPU."""

NONNEGATIVE_INT = Check(syntax=_is_not_negative, syntax_message="cannot be negative")
"""Zero or more."""

VIRTIO_NET_QUEUES = Check(
    syntax=_is_queue_count, syntax_message=f"invalid number of queues, must be 1 to {_MOST_QUEUES}"
)
"""Queues of a virtio network card."""


def param_in_set(required: bool, values: Collection[object]) -> Check:
    """Return the check that a value is one of a set.

    Args:
        required: whether the parameter must be set.
        values: the values that are allowed.

    Source: Ganeti ``ParamInSet``.
    """
    listed = ", ".join(sorted(map(str, values)))
    return Check(required, values.__contains__, f"The value must be one of: {listed}")


MIGRATION_MODE = param_in_set(required=True, values=("live", "non-live"))
"""How an instance migrates."""
