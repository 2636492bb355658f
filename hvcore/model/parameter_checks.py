"""What is done with declared parameters: fill in, convert, check.

Source: Ganeti ``CheckParameterSyntax``, ``ValidateParameters``, ``FillDict`` and ``ForceDictType``; the texts of the
messages are Ganeti's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hvcore.errors import HypervisorError, InvalidParameter, InvalidPlugin
from hvcore.model.parameter_types import ParameterValue, coerce_value, fits, is_unset, wrong_type
from hvcore.model.parameters import Parameter
from hvcore.model.refusal import closest, printable, shown

__all__ = ["check_parameter_syntax", "coerce_parameters", "fill_parameters", "validate_parameters"]


def fill_parameters(declared: Iterable[Parameter], *layers: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
    """Return every declared parameter with its value.

    Args:
        declared: the declarations.
        layers: values that go over the defaults, each over those before it: cluster, OS, instance, one-off.

    Returns:
        Name to value in the order of the declarations. Names that are not declared follow:
        ``check_parameter_syntax`` refuses them.
    """
    filled = {name: parameter.default for name, parameter in _by_name(declared).items()}
    for layer in layers:
        filled.update(layer)
    return filled


def coerce_parameters(declared: Iterable[Parameter], given: Mapping[str, object]) -> dict[str, ParameterValue]:
    """Return the given parameters in their declared types.

    Args:
        declared: the declarations.
        given: some of them, as users write them: "3" for 3, "true" for True, "a,b" for a list.

    Returns:
        The same names, typed.

    Raises:
        InvalidParameter: a name is not declared, or a value cannot have the declared type.
    """
    parameters = _by_name(declared)
    _refuse_unknown(parameters, given)
    return {name: coerce_value(parameters[name].type, value, name) for name, value in given.items()}


def check_parameter_syntax(declared: Iterable[Parameter], parameters: Mapping[str, object]) -> None:
    """Check parameters without a look at the world.

    Args:
        declared: the declarations.
        parameters: every one of them with its value, as ``fill_parameters`` returns them; None and "" mean unset.

    Raises:
        InvalidParameter: one is unknown, missing, required and unset, of the wrong type, or fails its syntax check.
    """
    for parameter, value in _pairs(declared, parameters):
        if is_unset(value):
            if parameter.required:
                raise _required(parameter, value)
            continue
        _check_type(parameter, value)
        _apply(parameter, value, parameter.check.syntax, parameter.check.syntax_message, "syntax check")


def validate_parameters(declared: Iterable[Parameter], parameters: Mapping[str, object]) -> None:
    """Check parameters against this node; what is unset is not checked.

    Args:
        declared: the declarations.
        parameters: every one of them with its value; None and "" mean unset.

    Raises:
        InvalidParameter: one is unknown, missing, of the wrong type, or fails its validation.
    """
    for parameter, value in _pairs(declared, parameters):
        if not is_unset(value):
            _check_type(parameter, value)
            _apply(parameter, value, parameter.check.runtime, parameter.check.runtime_message, "validation")


def _by_name(declared: Iterable[Parameter]) -> dict[str, Parameter]:
    parameters: dict[str, Parameter] = {}
    for parameter in declared:
        if parameter.name in parameters:
            raise InvalidPlugin(
                f"parameter {parameter.name} is declared twice", resolution="declare every parameter once"
            )
        parameters[parameter.name] = parameter
    return parameters


def _pairs(declared: Iterable[Parameter], given: Mapping[str, object]) -> list[tuple[Parameter, object]]:
    parameters = _by_name(declared)
    _refuse_unknown(parameters, given)
    for name, parameter in parameters.items():
        if name not in given:
            raise InvalidParameter(
                f"Parameter '{name}' is missing",
                key=name,
                allowed=parameter.type.allowed,
                resolution=f"set {name}, or fill in the defaults first",
            )
    return [(parameter, given[name]) for name, parameter in parameters.items()]


def _refuse_unknown(parameters: Mapping[str, Parameter], given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if name not in parameters:
            guess = closest(str(name), parameters)
            raise InvalidParameter(
                f"Parameter {shown(name)} is not supported",
                key=str(name),
                value=printable(value),
                allowed=", ".join(parameters) or "no parameters",
                resolution=f"did you mean {guess}?" if guess else f"remove {shown(name)}",
            )


def _required(parameter: Parameter, value: object) -> InvalidParameter:
    return InvalidParameter(
        f"Parameter '{parameter.name}' is required but is currently not defined",
        key=parameter.name,
        value=printable(value),
        allowed=parameter.check.syntax_message or parameter.type.allowed,
        resolution=f"set {parameter.name}",
    )


def _check_type(parameter: Parameter, value: object) -> None:
    if not fits(parameter.type, value):
        raise wrong_type(parameter.type, value, parameter.name)


def _apply(parameter: Parameter, value: Any, check: Callable[[Any], object] | None, rule: str, which: str) -> None:
    if check is None:
        return
    cause: Exception | None = None
    try:
        if check(value):
            return
    except Exception as error:  # noqa: BLE001 - a plugin's function; whatever it raises is told as the reason
        cause = error
    raise InvalidParameter(
        f"Parameter '{parameter.name}' fails {which}: {rule} (current value: {_quoted(value)})",
        key=parameter.name,
        value=printable(value),
        allowed=rule or parameter.type.allowed,
        details=() if cause is None else (_told(cause),),
        resolution=f"change {parameter.name}{f', for example to {parameter.example}' if parameter.example else ''}",
    ) from cause


def _quoted(value: object) -> str:
    text = shown(value)
    return text if isinstance(value, str) else f"'{text}'"


def _told(error: Exception) -> str:
    told = str(error) if isinstance(error, HypervisorError) else f"{type(error).__name__}: {error}"
    return " ".join(told.split())
