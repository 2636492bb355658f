from __future__ import annotations

import pytest

from hvcore.errors import InvalidParameter, InvalidPlugin
from hvcore.model.parameter_checks import (
    check_parameter_syntax,
    coerce_parameters,
    fill_parameters,
    validate_parameters,
)
from hvcore.model.parameters import (
    CPU_MASK,
    FILE,
    MIGRATION_MODE,
    NET_PORT,
    NONNEGATIVE_INT,
    REQUIRED,
    Check,
    Parameter,
    ParameterType,
)


def explode(value):
    raise RuntimeError("first\nsecond")


DECLARED = (
    Parameter("cpu_mask", ParameterType.STRING, "", "CPUs", CPU_MASK, example="0-2"),
    Parameter("num_ttys", ParameterType.INT, 6, "Terminals", NONNEGATIVE_INT),
    Parameter("port", ParameterType.INT, None, "Port", NET_PORT),
    Parameter("init", ParameterType.STRING, "", "Init", FILE),
    Parameter("devices", ParameterType.LIST, ("c 1:3 rw",), "Devices"),
    Parameter("fast", ParameterType.BOOL, False, "Fast"),
)
DEFAULTS = {"cpu_mask": "", "num_ttys": 6, "port": None, "init": "", "devices": ("c 1:3 rw",), "fast": False}


def refusal(function, declared, parameters):
    with pytest.raises(InvalidParameter) as caught:
        function(declared, parameters)
    return caught.value


def test_fill_lays_layers_over_the_defaults_in_order():
    filled = fill_parameters(DECLARED, {"num_ttys": 1, "port": 80}, {"num_ttys": 0}, {})
    assert filled == {**DEFAULTS, "num_ttys": 0, "port": 80}
    assert list(filled) == [parameter.name for parameter in DECLARED]
    assert fill_parameters(DECLARED) == DEFAULTS


def test_fill_can_unset_and_changes_no_layer():
    layer = {"num_ttys": 1}
    assert fill_parameters(DECLARED, layer, {"num_ttys": None})["num_ttys"] is None
    assert layer == {"num_ttys": 1}


def test_fill_keeps_what_is_unknown_for_the_check():
    filled = fill_parameters(DECLARED, {"num_tty": 1})
    error = refusal(check_parameter_syntax, DECLARED, filled)
    assert error.message == "Parameter 'num_tty' is not supported"
    assert error.resolution == "did you mean num_ttys?"


def test_coerce_takes_what_users_write():
    given = {"num_ttys": "3", "fast": "true", "devices": "a,b", "port": "", "cpu_mask": "0"}
    assert coerce_parameters(DECLARED, given) == {
        "num_ttys": 3,
        "fast": True,
        "devices": ("a", "b"),
        "port": None,
        "cpu_mask": "0",
    }


def test_coerce_refuses_unknown_names_and_wrong_types():
    error = refusal(coerce_parameters, DECLARED, {"cpumask": "0"})
    assert (error.key, error.value, error.resolution) == ("cpumask", "0", "did you mean cpu_mask?")
    assert "cpu_mask, num_ttys" in error.allowed
    assert refusal(coerce_parameters, DECLARED, {"num_ttys": True}).key == "num_ttys"


@pytest.mark.parametrize("function", [check_parameter_syntax, validate_parameters])
class TestBothChecks:
    def test_the_defaults_pass(self, function):
        function(DECLARED, DEFAULTS)

    def test_unknown(self, function):
        error = refusal(function, DECLARED, {**DEFAULTS, "zzz\n": 1})
        assert error.message == r"Parameter 'zzz\n' is not supported"
        assert error.key == "zzz\n"
        assert error.allowed

    def test_nothing_declared(self, function):
        assert refusal(function, (), {"a": 1}).allowed == "no parameters"

    def test_missing(self, function):
        parameters = {name: value for name, value in DEFAULTS.items() if name != "port"}
        error = refusal(function, DECLARED, parameters)
        assert (error.message, error.key) == ("Parameter 'port' is missing", "port")
        assert error.allowed

    @pytest.mark.parametrize(("name", "value"), [("num_ttys", "3"), ("num_ttys", 3.0), ("fast", 1), ("cpu_mask", 0)])
    def test_wrong_type(self, function, name, value):
        error = refusal(function, DECLARED, {**DEFAULTS, name: value})
        assert (error.key, error.value) == (name, value)
        assert error.message.startswith(f"Parameter '{name}' must be ")

    def test_a_parameter_declared_twice(self, function):
        with pytest.raises(InvalidPlugin, match="port is declared twice"):
            function((DECLARED[2], DECLARED[2]), {"port": 1})

    def test_what_a_check_raises_is_told(self, function):
        declared = (Parameter("x", ParameterType.INT, 0, "x", Check(False, explode, "rule", explode, "rule")),)
        error = refusal(function, declared, {"x": 1})
        assert error.details == ("RuntimeError: first second",)
        assert isinstance(error.__cause__, RuntimeError)


def test_the_words_of_a_failed_syntax_check():
    error = refusal(check_parameter_syntax, DECLARED, {**DEFAULTS, "cpu_mask": "3-1"})
    assert error.message == (
        "Parameter 'cpu_mask' fails syntax check: CPU mask definition is not well-formed (current value: '3-1')"
    )
    assert (error.key, error.value) == ("cpu_mask", "3-1")
    assert error.allowed == "CPU mask definition is not well-formed"
    assert error.resolution == "change cpu_mask, for example to 0-2"
    assert "'3-1' runs backwards" in error.details[0]


def test_the_words_of_a_failed_validation(tmp_path):
    parameters = {**DEFAULTS, "init": str(tmp_path / "none")}
    check_parameter_syntax(DECLARED, parameters)
    error = refusal(validate_parameters, DECLARED, parameters)
    assert error.message == (
        f"Parameter 'init' fails validation: not found or not a file (current value: '{tmp_path}/none')"
    )


def test_numbers_are_quoted_too():
    error = refusal(check_parameter_syntax, DECLARED, {**DEFAULTS, "port": 65536})
    assert error.message.endswith("(current value: '65536')")


@pytest.mark.parametrize(("name", "value"), [("num_ttys", 0), ("fast", False), ("port", 65535), ("devices", ())])
def test_zero_false_and_the_last_port_are_values(name, value):
    check_parameter_syntax(DECLARED, {**DEFAULTS, name: value})


def test_zero_is_checked():
    assert refusal(check_parameter_syntax, DECLARED, {**DEFAULTS, "port": 0}).key == "port"


@pytest.mark.parametrize("value", [None, ""])
def test_required_and_unset(value):
    declared = (Parameter("mode", ParameterType.STRING, None, "Mode", MIGRATION_MODE),)
    error = refusal(check_parameter_syntax, declared, {"mode": value})
    assert error.message == "Parameter 'mode' is required but is currently not defined"
    assert error.allowed == "The value must be one of: live, non-live"
    validate_parameters(declared, {"mode": value})


def test_zero_satisfies_required():
    declared = (Parameter("n", ParameterType.INT, None, "n", REQUIRED),)
    check_parameter_syntax(declared, {"n": 0})
    assert refusal(check_parameter_syntax, declared, {"n": None}).key == "n"


def test_syntax_is_checked_without_the_node_and_validation_without_the_syntax():
    asked = []
    check = Check(
        False, lambda value: asked.append("syntax") or True, "", lambda value: asked.append("runtime") or True
    )
    declared = (Parameter("x", ParameterType.INT, 0, "x", check),)
    check_parameter_syntax(declared, {"x": 1})
    assert asked == ["syntax"]
    validate_parameters(declared, {"x": 1})
    assert asked == ["syntax", "runtime"]


def test_unset_values_are_not_handed_to_checks():
    declared = (Parameter("x", ParameterType.STRING, "", "x", Check(False, explode, "", explode, "")),)
    for value in (None, ""):
        check_parameter_syntax(declared, {"x": value})
        validate_parameters(declared, {"x": value})


def test_declarations_may_come_from_a_generator():
    check_parameter_syntax((parameter for parameter in DECLARED), DEFAULTS)
