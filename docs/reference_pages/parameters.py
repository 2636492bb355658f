"""The page of a hypervisor's parameters."""

from __future__ import annotations

import json

from hvcore.hypervisor import Hypervisor
from hvcore.model.parameter_types import is_unset
from hvcore.model.parameters import Parameter, ParameterType
from reference_pages.text import code, table

__all__ = ["parameters_page"]

_INTRO = """\
What may stand under `[parameters]` in the file of an instance of `{name}`. What is left out has its default; `""` unsets a
parameter, while 0, false and an empty list are values. The rule of the value holds on every machine; the rule of the node
is checked on the node where the instance starts.
"""


def parameters_page(hypervisor: Hypervisor) -> str:
    """Return the page of one hypervisor's parameters."""
    parts = [
        f"# Parameters of {hypervisor.name}\n",
        _INTRO.format(name=hypervisor.name),
    ]
    for parameter in hypervisor.parameters:
        rows = [(name, text) for name, text in _facts(parameter).items() if text]
        parts.append(f"## {parameter.name}\n\n{parameter.description}\n\n{table(('', ''), rows)}")
    return "\n".join(parts)


def _facts(parameter: Parameter) -> dict[str, str]:
    shown = "unset" if is_unset(parameter.default) else code(_toml(parameter.default))
    example = (
        _toml(parameter.example) if parameter.type in {ParameterType.STRING, ParameterType.LIST} else parameter.example
    )
    return {
        "type": f"{parameter.type}: {parameter.type.allowed}",
        "default": shown,
        "required": "yes" if parameter.required else "no",
        "rule of the value": parameter.check.syntax_message,
        "rule of the node": parameter.check.runtime_message,
        "example": code(f"{parameter.name} = {example}"),
        "since": parameter.since,
    }


def _toml(value: object) -> str:
    """Return a value as it is written in an instance file; JSON is TOML for these types."""
    return json.dumps(value)
