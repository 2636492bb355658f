"""The declaration of a hypervisor's parameters."""

from __future__ import annotations

import re

from attrs import field, frozen

from hvcore.errors import InvalidPlugin
from hvcore.model.checks import (
    CPU_MASK,
    DIR,
    FILE,
    FILE_OR_URL,
    MIGRATION_MODE,
    MULTI_CPU_MASK,
    NET_PORT,
    NO_CHECK,
    NONNEGATIVE_INT,
    REQUIRED,
    VIRTIO_NET_QUEUES,
    Check,
    param_in_set,
)
from hvcore.model.parameter_types import ParameterType, ParameterValue, fits, is_unset

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
    "Parameter",
    "ParameterType",
    "ParameterValue",
    "param_in_set",
]

_NAME = re.compile("[a-z][a-z0-9_]{0,99}")


@frozen
class Parameter:
    """A parameter that a hypervisor declares.

    Args:
        name: lowercase letters, digits and underscores, a letter first.
        type: the type of its values.
        default: its value where nobody gives one; None or "" for unset.
        description: what it does, for the reference and for ``hv``.
        check: what its value must satisfy.
        since: the version of the plugin in which it appeared.
        example: a value as a user would write it.

    Raises:
        InvalidPlugin: the name cannot be one, or the default is not of the type.

    Source: Ganeti ``PARAMETERS`` (five-part checks), with type and documentation beside them.
    """

    name: str
    type: ParameterType
    default: ParameterValue
    description: str
    check: Check = field(default=NO_CHECK)
    since: str = ""
    example: str = ""

    def __attrs_post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidPlugin(
                f"{self.name!r} cannot name a parameter",
                resolution="name it in lowercase letters, digits and underscores, a letter first",
            )
        if not (is_unset(self.default) or fits(self.type, self.default)):
            raise InvalidPlugin(
                f"the default of parameter {self.name} is not {self.type.allowed}: {self.default!r}",
                resolution="declare a default of the parameter's type, or None",
            )

    @property
    def required(self) -> bool:
        """Whether it must be set."""
        return self.check.required
