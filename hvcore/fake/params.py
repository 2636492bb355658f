"""The parameters of a fake instance: how slow it is, and where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, frozen

from hvcore.model.parameters import Check, Parameter, ParameterType, ParameterValue, param_in_set

__all__ = ["PARAMETERS", "STARTING", "Behaviour", "assess"]

STARTING = ("directory", "definition", "console", "root", "boot")
"""The steps of a start, in order."""

_OTHERS = ("shutdown", "halt", "reboot", "pause", "resume", "balloon")
_LONGEST_DELAY_S = 86400


def _is_delay(seconds: float) -> bool:
    return 0 <= seconds <= _LONGEST_DELAY_S


_DELAY = Check(syntax=_is_delay, syntax_message=f"must be 0 to {_LONGEST_DELAY_S} seconds")

PARAMETERS = (
    Parameter(
        "start_delay_s",
        ParameterType.FLOAT,
        0.0,
        "Seconds that the guest takes to boot.",
        _DELAY,
        since="0.1",
        example="0.5",
    ),
    Parameter(
        "stop_delay_s",
        ParameterType.FLOAT,
        0.0,
        "Seconds that the guest takes to shut down once it is asked; a forced stop does not wait for it.",
        _DELAY,
        since="0.1",
        example="0.5",
    ),
    Parameter(
        "refuses_shutdown",
        ParameterType.BOOL,
        default=False,
        description="The guest ignores every request to shut down, so that only a forced stop ends it.",
        since="0.1",
        example="true",
    ),
    Parameter(
        "fail_step",
        ParameterType.STRING,
        "",
        "The step that fails: one of a start's, or shutdown and halt of a stop, or that of another verb. A stop that "
        "failed at halt is finished by the next command.",
        param_in_set(required=False, values=STARTING + _OTHERS),
        since="0.1",
        example="boot",
    ),
)
"""The declared parameters."""


@frozen
class Behaviour:
    """The parameters as values; an unset one behaves as its default.

    Attributes:
        start_delay_s: seconds that the guest takes to boot.
        stop_delay_s: seconds that it takes to shut down.
        refuses_shutdown: whether it ignores requests to shut down.
        fail_step: the step that fails, or "".
    """

    start_delay_s: float = 0.0
    stop_delay_s: float = 0.0
    refuses_shutdown: bool = False
    fail_step: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, ParameterValue]) -> Behaviour:
        """Return what checked parameters ask for."""
        return cls(
            start_delay_s=_number(parameters.get("start_delay_s")),
            stop_delay_s=_number(parameters.get("stop_delay_s")),
            refuses_shutdown=parameters.get("refuses_shutdown") is True,
            fail_step=str(parameters.get("fail_step") or ""),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON."""
        return asdict(self)


def assess(parameters: Mapping[str, ParameterValue]) -> tuple[str, ...]:
    """Name what a user of these parameters will run into."""
    behaviour = Behaviour.of(parameters)
    warnings: list[str] = []
    if behaviour.refuses_shutdown:
        warnings.append("refuses_shutdown: only a forced stop will end the instance")
    if behaviour.fail_step in STARTING:
        warnings.append(f"fail_step: every start will fail at {behaviour.fail_step}")
    elif behaviour.fail_step:
        warnings.append(f"fail_step: {behaviour.fail_step} will fail")
    return tuple(warnings)


def _number(value: ParameterValue) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
