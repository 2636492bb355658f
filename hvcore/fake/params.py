"""The parameters that a fake instance can have, as they are declared."""

from __future__ import annotations

from collections.abc import Mapping

from hvcore.fake.behaviour import Behaviour
from hvcore.model.parameters import Check, Parameter, ParameterType, ParameterValue, param_in_set

__all__ = ["PARAMETERS", "STARTING", "assess"]

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
