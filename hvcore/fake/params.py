"""The parameters that a fake instance can have, as they are declared."""

from __future__ import annotations

from collections.abc import Mapping

from hvcore.fake.behaviour import LIVE, NON_LIVE, Behaviour
from hvcore.model.parameters import Check, Parameter, ParameterType, ParameterValue, param_in_set

__all__ = ["PARAMETERS", "STARTING", "STEPS", "assess"]

STARTING = ("directory", "definition", "console", "root", "boot")
"""The steps of a start, in order."""

STEPS: dict[str, str] = {
    "directory": "a start, or accept_instance, makes the directory",
    "definition": "it saves the definition",
    "console": "it opens the console log",
    "root": "it makes the folder for commands",
    "boot": "the guest boots",
    "plan": "plan_start and plan_change",
    "validate": "validate_parameters, with which a start begins",
    "check": "verify_instance",
    "restore": "restore_instance",
    "shutdown": "a stop asks the guest",
    "halt": "a stop ends the guest; the next command finishes the stop",
    "cleanup": "cleanup_instance",
    "reboot": "reboot_instance",
    "pause": "pause_instance",
    "resume": "resume_instance",
    "balloon": "balloon_instance_memory",
    "recover": "recover, of this instance alone",
    "info": "get_instance_info",
    "list": "list_instances and get_all_instances_info, of the parameters that they are given",
    "node": "get_node_info, likewise",
    "verify": "verify, likewise",
    "attach": "get_instance_console",
    "exec": "exec_in_instance",
    "describe": "migration_info",
    "accept": "accept_instance lets the instance in",
    "migrate": "migrate_instance",
    "transfer": "the transfer takes longer, or breaks off halfway and get_migration_status tells so",
    "status": "get_migration_status",
    "finalize-source": "finalize_migration_source",
    "finalize-target": "finalize_migration_dst",
    "resize-disk": "resize_disk",
    "hot-add": "hot_add_device",
    "hot-del": "hot_del_device",
    "hot-mod": "hot_mod_device",
    "hotplug": "verify_hotplug_support and hotplug_supported",
}
"""Every step that can be made slow or can be made to fail, and what happens there."""

_LONGEST_DELAY_S = 86400
_MOST_MIB_S = 1024**2


def _is_delay(seconds: float) -> bool:
    return 0 <= seconds <= _LONGEST_DELAY_S


def _is_bandwidth(mib_s: float) -> bool:
    return 0 <= mib_s <= _MOST_MIB_S


def _listed(steps: Mapping[str, str]) -> str:
    return "; ".join(f"{step} ({meaning})" for step, meaning in steps.items())


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
        "migration_mode",
        ParameterType.STRING,
        LIVE,
        f"{LIVE}: the guest goes on while it is migrated; {NON_LIVE}: it is paused, whatever the caller asks for.",
        param_in_set(required=True, values=(LIVE, NON_LIVE)),
        since="0.1",
        example=NON_LIVE,
    ),
    Parameter(
        "migration_bandwidth_mib_s",
        ParameterType.FLOAT,
        0.0,
        "MiB of memory that a migration moves per second; 0 moves all at once.",
        Check(syntax=_is_bandwidth, syntax_message=f"must be 0 to {_MOST_MIB_S}"),
        since="0.1",
        example="64",
    ),
    Parameter(
        "slow_step",
        ParameterType.STRING,
        "",
        "The step that takes longer, by slow_step_delay_s.",
        param_in_set(required=False, values=STEPS),
        since="0.1",
        example="reboot",
    ),
    Parameter(
        "slow_step_delay_s",
        ParameterType.FLOAT,
        0.0,
        "Seconds by which slow_step takes longer; the instance stays locked meanwhile where its verb locks it.",
        _DELAY,
        since="0.1",
        example="2.5",
    ),
    Parameter(
        "fail_step",
        ParameterType.STRING,
        "",
        f"The step that fails. Steps: {_listed(STEPS)}.",
        param_in_set(required=False, values=STEPS),
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
    if behaviour.slow_step and behaviour.slow_step_delay_s:
        warnings.append(f"slow_step: {behaviour.slow_step} will take {behaviour.slow_step_delay_s:g} s longer")
    if behaviour.fail_step in STARTING:
        warnings.append(f"fail_step: every start will fail at {behaviour.fail_step}")
    elif behaviour.fail_step:
        warnings.append(f"fail_step: {behaviour.fail_step} will fail")
    return tuple(warnings)
