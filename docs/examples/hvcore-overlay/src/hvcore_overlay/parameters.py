"""The parameters that an instance may set under ``[parameters]``."""

from __future__ import annotations

from hvcore.plugin import Check, Parameter, ParameterType

__all__ = ["PARAMETERS", "SIZE_MIB", "VOLATILE"]

VOLATILE = "volatile"
SIZE_MIB = "volatile_size_mib"
_MOST_MIB = 2**30


def _is_size(mib: int) -> bool:
    return 1 <= mib <= _MOST_MIB


PARAMETERS = (
    Parameter(
        name=VOLATILE,
        type=ParameterType.BOOL,
        default=False,
        description="Whether what the guest writes to its root is kept in memory and gone after the stop.",
        check=Check(required=True),
        since="1.0",
        example="true",
    ),
    Parameter(
        name=SIZE_MIB,
        type=ParameterType.INT,
        default=256,
        description="The memory, in MiB, that changes of a volatile root may take.",
        check=Check(required=True, syntax=_is_size, syntax_message=f"must be 1 to {_MOST_MIB} MiB"),
        since="1.0",
        example="256",
    ),
)
