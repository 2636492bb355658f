"""The parameters that an instance may set under ``[parameters]``."""

from __future__ import annotations

import os

from hvcore.plugin import Check, Parameter, ParameterType
from hvcore_quota.quota import FULL_PERCENT, IoRule, Quota

__all__ = ["PARAMETERS"]


def _is_percent(value: int) -> bool:
    Quota(cpu_percent=value)
    return True


def _is_count(value: int) -> bool:
    Quota(pids_max=value)
    return True


def _are_rules(texts: tuple[str, ...]) -> bool:
    Quota(io=texts)
    return True


def _devices_exist(texts: tuple[str, ...]) -> bool:
    return all(os.path.isdir(f"/sys/dev/block/{IoRule.parse(text).device}") for text in texts)


PARAMETERS = (
    Parameter(
        name="quota_cpu_percent",
        type=ParameterType.INT,
        default=FULL_PERCENT,
        description="The part of each of its vcpus, in percent, that the container may use.",
        check=Check(required=True, syntax=_is_percent, syntax_message="must be 1 to 100 percent"),
        since="1.0",
        example="50",
    ),
    Parameter(
        name="quota_pids_max",
        type=ParameterType.INT,
        default=0,
        description="The processes and threads that the container may have; 0 sets no limit.",
        check=Check(required=True, syntax=_is_count, syntax_message="must be a number of processes, or 0"),
        since="1.0",
        example="200",
    ),
    Parameter(
        name="quota_io",
        type=ParameterType.LIST,
        default=(),
        description="Limits of block devices: the device's number, bytes and operations that may be read and written a second.",
        check=Check(
            syntax=_are_rules,
            syntax_message="must be rules such as '8:0 rbps=1048576 wiops=120'",
            runtime=_devices_exist,
            runtime_message="this node has no such block device",
        ),
        since="1.0",
        example="8:0 rbps=1048576 wiops=120",
    ),
)
