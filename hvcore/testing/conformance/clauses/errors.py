"""What errors promise."""

from __future__ import annotations

import json

from hvcore.errors import AlreadyRunning, HookFailed, HypervisorError, OperationFailed, PluginError, Unsupported
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import BrokenPromise, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["ErrorClauses"]


class ErrorClauses:
    """What a caller learns from a failure."""

    @clause("An error names hypervisor, instance and operation.")
    def test_errors_name_their_place(self, trial: Trial) -> None:
        error = _second_start(trial)
        told = (error.hypervisor, error.instance, error.operation)
        wanted = (trial.hypervisor.name, trial.name, "start_instance")
        ensure(told == wanted, f"the error of a second start is about {told}, not {wanted}")

    @clause("The error of an operation that failed on its way names the step.", level=Level.FULL)
    def test_errors_name_the_step(self, trial: Trial) -> None:
        error = _failed_start(trial)
        ensure(error.step, f"the error of a start that failed names no step: {error}")

    @clause("A failure that can be expected is an OperationFailed, not a fault of the plugin.", level=Level.FULL)
    def test_errors_are_of_their_kind(self, trial: Trial) -> None:
        try:
            trial.hypervisor.start_instance(trial.failing())
        except Unsupported:
            raise
        except PluginError as error:
            raise BrokenPromise(f"a start that fails is taken for a fault of the plugin: {error}") from error
        except OperationFailed:
            return
        except HypervisorError as error:
            raise BrokenPromise(f"a start that fails raises {type(error).__name__}: {error}") from error
        raise BrokenPromise("the start of failing_instance raised nothing")

    @clause("An error's message is one line without a full stop.")
    def test_errors_are_one_line(self, trial: Trial) -> None:
        message = _second_start(trial).message
        is_line = message.strip() == message and "\n" not in message and not message.endswith(".") and message
        ensure(is_line, f"the message of a second start is {message!r}")

    @clause("An error says what can be done about it.")
    def test_errors_have_a_resolution(self, trial: Trial) -> None:
        error = _second_start(trial)
        ensure(error.resolution, f"the error of a second start has no resolution: {error}")

    @clause("An error can be told as JSON.")
    def test_errors_become_json(self, trial: Trial) -> None:
        told = _second_start(trial).to_dict()
        try:
            again = json.loads(json.dumps(told))
        except (TypeError, ValueError) as error:
            raise BrokenPromise(f"the error of a second start is no JSON: {error}") from error
        ensure(again["code"] == AlreadyRunning.code, f"the code of a second start is {again['code']!r}")


def _second_start(trial: Trial) -> HypervisorError:
    trial.start()
    error = refused(HypervisorError, "a second start", trial.hypervisor.start_instance, trial.instance)
    ensure(not isinstance(error, HookFailed), f"a second start is taken for a fault of the plugin: {error}")
    return error


def _failed_start(trial: Trial) -> OperationFailed:
    failing = trial.failing()
    return refused(OperationFailed, "the start of failing_instance", trial.hypervisor.start_instance, failing)
