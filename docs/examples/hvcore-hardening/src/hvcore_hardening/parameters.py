"""The parameters that an instance may set under ``[parameters]``."""

from __future__ import annotations

from hvcore.plugin import Check, Instance, Parameter, ParameterType

__all__ = ["PARAMETERS", "is_hardened", "kept_capabilities", "tmp_mib"]

_MOST_MIB = 2**30


def _is_size(mib: int) -> bool:
    return 0 <= mib <= _MOST_MIB


PARAMETERS = (
    Parameter(
        name="hardening",
        type=ParameterType.BOOL,
        default=True,
        description="Whether the container is hardened at all.",
        check=Check(required=True),
        since="1.0",
        example="false",
    ),
    Parameter(
        name="hardening_keep_capabilities",
        type=ParameterType.LIST,
        default=(),
        description="Capabilities that the hardening does not take away, without 'cap_'.",
        since="1.0",
        example="net_raw, mknod",
    ),
    Parameter(
        name="hardening_tmp_mib",
        type=ParameterType.INT,
        default=16,
        description="The size of the private /tmp in MiB; 0 mounts none.",
        check=Check(required=True, syntax=_is_size, syntax_message=f"must be 0 to {_MOST_MIB} MiB"),
        since="1.0",
        example="64",
    ),
)


def is_hardened(instance: Instance) -> bool:
    """Tell whether an instance is hardened."""
    return bool(instance.parameters.get("hardening"))


def kept_capabilities(instance: Instance) -> frozenset[str]:
    """Return the capabilities that an instance keeps."""
    value = instance.parameters.get("hardening_keep_capabilities")
    return frozenset(value) if isinstance(value, tuple) else frozenset()


def tmp_mib(instance: Instance) -> int:
    """Return the size of an instance's private /tmp in MiB."""
    return int(str(instance.parameters.get("hardening_tmp_mib") or 0))
