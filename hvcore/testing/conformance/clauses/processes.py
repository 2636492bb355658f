"""What several processes promise each other: they see one state, and never work on one instance at once."""

from __future__ import annotations

import threading
import time
from typing import Any

from hvcore.errors import AlreadyRunning, Busy, HypervisorError, NotRunning
from hvcore.model.instance import Instance
from hvcore.model.state import InstanceState
from hvcore.system.kernel_files import read_text
from hvcore.system.locks import InstanceLocks
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.elsewhere import Answer
from hvcore.testing.conformance.promise import BrokenPromise, allowed, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["ProcessClauses"]

_STATELESS = "Ganeti makes a new object per call"


class ProcessClauses:
    """Several processes on one node."""

    @clause("Another process sees what was started here, and its definition.", source=_STATELESS)
    def test_processes_see_what_runs(self, trial: Trial) -> None:
        trial.start()
        own = trial.info()
        seen = _elsewhere(trial, "get_instance_info", instance=trial.name)
        ensure(seen is not None, "another process does not see the running instance")
        told = (seen["name"], seen["state"], seen["memory_mib"], seen["vcpus"])
        ensure(told == (own.name, own.state, own.memory_mib, own.vcpus), f"another process sees {told}, this one {own}")
        known = _elsewhere(trial, "get_instance_definition", instance_name=trial.name)
        wanted = trial.hypervisor.prepare_instance(trial.instance)
        ensure(known and Instance.from_dict(known) == wanted, f"another process sees the definition {known}")

    @clause("Another process sees that an instance is paused.", "pause_instance", level=Level.FULL, source=_STATELESS)
    def test_processes_see_a_pause(self, trial: Trial) -> None:
        trial.start()
        allowed("a pause", trial.hypervisor.pause_instance, trial.name)
        seen = _elsewhere(trial, "get_instance_info", instance=trial.name)
        state = seen and seen["state"]
        ensure(state == InstanceState.PAUSED, f"another process sees a paused instance as {state}")

    @clause("Another process stops what was started here, and it is seen here.", source=_STATELESS)
    def test_processes_stop_what_runs(self, trial: Trial) -> None:
        trial.start()
        ensure(trial.runs(), "it does not run")
        _elsewhere(trial, "stop_instance", instance=trial.name, force=True)
        ensure(not trial.runs(), "another process stopped the instance, and here it still runs")
        ensure(trial.name not in trial.hypervisor.list_instances(), "what another process stopped is listed here")

    @clause("What another process started is seen and stopped here.", source=_STATELESS)
    def test_processes_start_for_each_other(self, trial: Trial) -> None:
        _elsewhere(trial, "start_instance", instance=trial.uses(trial.instance))
        ensure(trial.runs(), "what another process started is not seen here")
        ensure(trial.name in trial.hypervisor.list_instances(), "what another process started is not listed here")
        trial.stop()
        seen = _elsewhere(trial, "get_instance_info", instance=trial.name)
        ensure(seen is None, f"it was stopped here, and another process sees {seen}")

    @clause("Of several starts of one name at the same time, exactly one wins.", source=_STATELESS)
    def test_processes_start_one_name_at_once(self, trial: Trial) -> None:
        answers = trial.offers.another_process.race(3, "start_instance", instance=trial.uses(trial.instance))
        winners = [answer for answer in answers if answer.error is None]
        ensure(
            len(winners) == 1, f"of {len(answers)} starts at the same time {len(winners)} succeeded: {_codes(answers)}"
        )
        others = set(_codes(answers)) - {AlreadyRunning.code, Busy.code, "won"}
        ensure(not others, f"starts that lost failed with {', '.join(sorted(others))}")
        listed = trial.hypervisor.list_instances().count(trial.name)
        ensure(listed == 1, f"after several starts it is listed {listed} times")

    @clause("While somebody works on an instance, a verb that changes it raises Busy.")
    def test_processes_keep_each_other_out(self, trial: Trial) -> None:
        locks = trial.hypervisor.context.locks
        trial.uses(trial.instance)
        with InstanceLocks(locks.directory, locks.hypervisor).hold(trial.name, "a clause"):
            refused(Busy, "a start of a busy instance", trial.hypervisor.start_instance, trial.instance)
            refused(Busy, "a cleanup of a busy instance", trial.hypervisor.cleanup_instance, trial.name)
            refused(Busy, "a stop of a busy instance", trial.hypervisor.stop_instance, trial.name)
        ensure(not trial.runs(), "a verb that was refused started the instance")

    @clause("Questions are answered while somebody works on the instance.")
    def test_processes_may_always_ask(self, trial: Trial) -> None:
        trial.start()
        locks = trial.hypervisor.context.locks
        with InstanceLocks(locks.directory, locks.hypervisor).hold(trial.name, "a clause"):
            allowed("a question for a busy instance", trial.hypervisor.get_instance_info, trial.name)
            allowed("a list with a busy instance", trial.hypervisor.list_instances)
            allowed("all infos with a busy one", trial.hypervisor.get_all_instances_info)
            allowed("a definition of a busy one", trial.hypervisor.get_instance_definition, trial.name)

    @clause("A verb that failed leaves nobody locked out.")
    def test_processes_are_not_locked_out(self, trial: Trial) -> None:
        trial.start()
        refused(AlreadyRunning, "a second start", trial.hypervisor.start_instance, trial.instance)
        try:
            with InstanceLocks(trial.hypervisor.context.locks.directory).hold(trial.name, "a clause"):
                pass
        except Busy as error:
            raise BrokenPromise(f"a second start that was refused keeps the instance locked: {error}") from error

    @clause(
        "A forced stop overtakes a soft one that still waits for the guest.",
        level=Level.FULL,
        source="Ganeti issue: no hard stop asked first",
    )
    def test_processes_force_overtakes(self, trial: Trial) -> None:
        instance = trial.stubborn()
        trial.start(instance)
        failures: list[HypervisorError] = []

        def wait() -> None:
            try:
                trial.hypervisor.stop_instance(instance.name, timeout_s=2 * trial.patience_s)
            except HypervisorError as error:
                failures.append(error)

        soft = threading.Thread(target=wait)
        soft.start()
        try:
            _let_it_begin(trial, instance.name, soft)
            allowed("a forced stop beside a soft one", trial.hypervisor.stop_instance, instance.name, force=True)
        finally:
            soft.join()
        ensure(not trial.runs(instance.name), "after a forced stop beside a soft one the instance runs")
        ours = [error for error in failures if not isinstance(error, NotRunning)]
        ensure(not ours, f"a forced stop did not overtake the soft one, which failed: {ours}")


def _elsewhere(trial: Trial, verb: str, **arguments: object) -> Any:
    answer = trial.offers.another_process.run(verb, **arguments)
    if answer.error is not None:
        raise BrokenPromise(f"{verb} in another process failed: {answer.error['code']}: {answer.error['message']}")
    return answer.value


def _codes(answers: list[Answer]) -> list[str]:
    return ["won" if answer.error is None else str(answer.error["code"]) for answer in answers]


def _let_it_begin(trial: Trial, name: str, soft: threading.Thread) -> None:
    """Wait until a soft stop has taken the lock, or may long have given it away again to wait for the guest."""
    lock = str(trial.hypervisor.context.locks.directory / name)
    deadline = time.monotonic() + min(0.3, trial.patience_s)
    # Whoever holds the lock has written into its file; the file alone may be there before it is held.
    while soft.is_alive() and not read_text(lock) and time.monotonic() < deadline:
        time.sleep(0.002)
