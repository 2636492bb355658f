"""What declared parameters promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve

from hvcore.errors import InvalidParameter
from hvcore.model.parameter_types import ParameterType, ParameterValue
from hvcore.model.parameters import Parameter
from hvcore.spec.params import ParamsSpec
from hvcore.testing.conformance.clause import clause
from hvcore.testing.conformance.promise import allowed, ensure, is_of, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["ParamsClauses"]

_SYNTAX = "Ganeti CheckParameterSyntax"
_VALIDATE = "Ganeti ValidateParameters"
_ABSENT = "/nonexistent/conformance"


class ParamsClauses:
    """Declaring, filling in and checking parameters."""

    @clause("Every parameter is declared once, with a description.", source="Ganeti PARAMETERS")
    def test_parameters_are_described(self, trial: Trial) -> None:
        declared = allowed("a question for the parameters", _declared, trial)
        names = [parameter.name for parameter in declared]
        ensure(len(set(names)) == len(names), f"declared are {', '.join(names)}")
        mute = [parameter.name for parameter in declared if not parameter.description.strip()]
        ensure(not mute, f"these parameters are not described: {', '.join(mute)}")

    @clause("What is not set is filled in with the default, and what is set is kept.", source="Ganeti FillDict")
    def test_parameters_are_filled_in(self, trial: Trial) -> None:
        filled = trial.hypervisor.prepare_instance(trial.instance).parameters
        for parameter in _declared(trial):
            ensure(parameter.name in filled, f"{parameter.name} is not filled in")
            if parameter.name not in trial.instance.parameters:
                value = filled[parameter.name]
                ensure(value == parameter.default, f"{parameter.name} is filled in with {value!r}")

    @clause("The parameters of an instance that can start pass both checks.", source=f"{_SYNTAX}, ValidateParameters")
    def test_parameters_of_a_good_instance_pass(self, trial: Trial) -> None:
        allowed(
            "the syntax check of a good instance", trial.hypervisor.check_parameter_syntax, trial.instance.parameters
        )
        allowed("the validation of a good instance", trial.hypervisor.validate_parameters, trial.instance.parameters)

    @clause("A parameter that is not declared fails the syntax check, and the error names it.", source=_SYNTAX)
    def test_parameters_unknown(self, trial: Trial) -> None:
        _refuse(trial, {**_filled(trial), "no_such_parameter": "1"}, "no_such_parameter", "an unknown parameter")

    @clause(
        "A declared parameter that is left out fails the syntax check, and the error names it.",
        source="Ganeti: Parameter 'x' is missing",
    )
    def test_parameters_missing(self, trial: Trial) -> None:
        for parameter in _declared(trial):
            values = _filled(trial)
            del values[parameter.name]
            _refuse(trial, values, parameter.name, f"parameters without {parameter.name}")

    @clause("A required parameter may not be unset, by None or by an empty text.", source=f"{_SYNTAX}: required")
    def test_parameters_required(self, trial: Trial) -> None:
        for parameter in _declared(trial):
            if parameter.required:
                for unset in (None, ""):
                    values = {**_filled(trial), parameter.name: unset}
                    _refuse(trial, values, parameter.name, f"{parameter.name}={unset!r}, which is required,")

    @clause(
        "A parameter that is not required may be unset, by None or by an empty text.",
        source=f"{_SYNTAX}: _IsParamValueUnspecified",
    )
    def test_parameters_unset(self, trial: Trial) -> None:
        for parameter in _declared(trial):
            if not parameter.required:
                for unset in (None, ""):
                    values = {**_filled(trial), parameter.name: unset}
                    allowed(f"the syntax check of {parameter.name}={unset!r}", _check_syntax, trial, values)
                    allowed(f"the validation of {parameter.name}={unset!r}", _validate, trial, values)

    @clause(
        "A value of another type than the declared one fails the syntax check, and the error names it.",
        source="Ganeti ForceDictType",
    )
    def test_parameters_of_another_type(self, trial: Trial) -> None:
        for parameter in _declared(trial):
            wrong: Any = 7 if parameter.type is ParameterType.LIST else ("a", "list")
            values = {**_filled(trial), parameter.name: wrong}
            _refuse(trial, values, parameter.name, f"{parameter.name}={wrong!r}, which is a {parameter.type},")

    @clause(
        "The syntax check does not look at the node: what the node lacks passes it and fails the validation.",
        source=f"{_SYNTAX}, ValidateParameters",
    )
    def test_parameters_syntax_before_runtime(self, trial: Trial) -> None:
        for parameter in _looks_at_the_node(trial):
            values = {**_filled(trial), parameter.name: _ABSENT}
            allowed(f"the syntax check of {parameter.name}={_ABSENT}", _check_syntax, trial, values)
            what = f"the validation of {parameter.name}={_ABSENT}"
            error = refused(InvalidParameter, what, _validate, trial, values)
            ensure(error.key == parameter.name, f"the error about {parameter.name} names {error.key!r}")

    @clause("A start validates the parameters before it touches anything.", source=_VALIDATE)
    def test_parameters_are_validated_at_a_start(self, trial: Trial) -> None:
        before = trial.offers.leftovers()
        for parameter in _looks_at_the_node(trial):
            bad = evolve(trial.instance, parameters={**trial.instance.parameters, parameter.name: _ABSENT})
            what = f"a start with {parameter.name}={_ABSENT}"
            refused(InvalidParameter, what, trial.hypervisor.start_instance, bad)
            ensure(not trial.runs(), f"{what} started the instance")
        trial.must_leave_nothing(before, "a start with parameters that do not fit the node")

    @clause("Checks of parameters leave nothing on the node.", source=f"{_SYNTAX}, ValidateParameters")
    def test_parameters_checks_leave_nothing(self, trial: Trial) -> None:
        before = trial.offers.leftovers()
        for check in (_check_syntax, _validate, _assess):
            allowed("a check of parameters", check, trial, _filled(trial))
        trial.must_leave_nothing(before, "a check of parameters")

    @clause("Advice about parameters is a tuple of lines.", source="Ganeti 3.1 AssessParameters")
    def test_parameters_advice_is_text(self, trial: Trial) -> None:
        advice = allowed("advice about parameters", _assess, trial, _filled(trial))
        is_text = is_of(advice, tuple) and all(is_of(line, str) and line for line in advice)
        ensure(is_text, f"the advice is {advice!r}")


def _declared(trial: Trial) -> tuple[Parameter, ...]:
    return trial.hypervisor.parameters


def _filled(trial: Trial) -> dict[str, Any]:
    return dict(trial.hypervisor.fill_parameters(trial.instance.parameters))


# The driver's own answers: what the verbs fill in and convert would hide what it does with the rest.


def _check_syntax(trial: Trial, values: dict[str, ParameterValue]) -> None:
    trial.hypervisor.scope.command(ParamsSpec.check_parameter_syntax, parameters=values)


def _validate(trial: Trial, values: dict[str, ParameterValue]) -> None:
    trial.hypervisor.scope.command(ParamsSpec.validate_parameters, parameters=values)


def _assess(trial: Trial, values: dict[str, ParameterValue]) -> tuple[str, ...]:
    return trial.hypervisor.scope.command(ParamsSpec.assess_parameters, parameters=values)


def _refuse(trial: Trial, values: dict[str, ParameterValue], key: str, what: str) -> None:
    error = refused(InvalidParameter, f"the syntax check of {what}", _check_syntax, trial, values)
    ensure(error.key == key, f"the error about {key} names {error.key!r}")


def _looks_at_the_node(trial: Trial) -> Iterator[Parameter]:
    """Yield the parameters that take a path which the node lacks for good syntax and bad use."""
    for parameter in _declared(trial):
        check = parameter.check
        if parameter.type is not ParameterType.STRING or check.runtime is None:
            continue
        if _passes(check.syntax) and not _passes(check.runtime):
            yield parameter


def _passes(check: Callable[[Any], object] | None) -> bool:
    """Tell whether a path that does not exist passes a check; what the check raises counts as no."""
    try:
        return check is None or bool(check(_ABSENT))
    except Exception:  # noqa: BLE001 - a plugin's function
        return False
