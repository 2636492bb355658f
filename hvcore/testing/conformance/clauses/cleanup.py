"""What a cleanup promises, and a recovery."""

from __future__ import annotations

from hvcore.errors import InvalidInput, OperationFailed
from hvcore.testing.conformance.clause import clause
from hvcore.testing.conformance.promise import allowed, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["CleanupClauses"]

_GANETI = "Ganeti CleanupInstance"


class CleanupClauses:
    """Removing what is left of an instance."""

    @clause("A cleanup may be repeated.", source="Ganeti's defect: the second cleanup fails")
    def test_cleanup_twice(self, trial: Trial) -> None:
        trial.start()
        allowed("a forced stop", trial.hypervisor.stop_instance, trial.name, force=True)
        for what in ("a cleanup", "a second cleanup"):
            allowed(what, trial.hypervisor.cleanup_instance, trial.name)

    @clause("A cleanup of what never ran is no error.", source="Ganeti 2.16: called when not running, too")
    def test_cleanup_of_an_unknown_name(self, trial: Trial) -> None:
        allowed("a cleanup of what never ran", trial.hypervisor.cleanup_instance, trial.unknown)

    @clause("A cleanup never ends an instance: where it runs, it is refused or does nothing.", source=_GANETI)
    def test_cleanup_spares_what_runs(self, trial: Trial) -> None:
        trial.start()
        before = trial.hypervisor.get_instance_definition(trial.name)
        try:
            trial.hypervisor.cleanup_instance(trial.name)
        except OperationFailed as error:
            ensure(error.instance == trial.name, f"the refusal is about {error.instance}")
        ensure(trial.runs(), "a cleanup ended a running instance")
        after = trial.hypervisor.get_instance_definition(trial.name)
        ensure(after == before, f"a cleanup of a running instance made its definition {after}")

    @clause("After a cleanup the instance can be started.", source=_GANETI)
    def test_cleanup_then_start(self, trial: Trial) -> None:
        allowed("a cleanup of what never ran", trial.hypervisor.cleanup_instance, trial.name)
        trial.start()
        ensure(trial.runs(), "a start after a cleanup did nothing")

    @clause(
        "What is no instance's name is refused everywhere, before anything is touched.",
        "stop_instance",
        "get_instance_info",
    )
    def test_cleanup_refuses_what_is_no_name(self, trial: Trial) -> None:
        verbs = trial.hypervisor
        for name in ("../etc", "a/b", "", "-rf", "a b", "x" * 300):
            refused(InvalidInput, f"a cleanup of {name[:20]!r}", verbs.cleanup_instance, name)
            refused(InvalidInput, f"a stop of {name[:20]!r}", verbs.stop_instance, name, force=True)
            refused(InvalidInput, f"a question for {name[:20]!r}", verbs.get_instance_info, name)
            refused(InvalidInput, f"a question for {name[:20]!r}", verbs.get_instance_definition, name)

    @clause("A recovery where nothing is half done finds nothing, and names its hypervisor.")
    def test_recover_finds_nothing(self, trial: Trial) -> None:
        trial.start()
        for name in (None, trial.name, trial.unknown):
            report = allowed("a recovery", trial.hypervisor.recover, name)
            ensure(report.hypervisor == trial.hypervisor.name, f"the report is of {report.hypervisor!r}")
            ours = [found for found in report.recoveries if found.instance in {trial.name, trial.unknown}]
            ensure(not ours, f"a recovery found {ours}, where nothing was half done")

    @clause("A recovery leaves alone what runs.")
    def test_recover_spares_what_runs(self, trial: Trial) -> None:
        trial.start()
        before = trial.info().state
        for name in (None, trial.name):
            allowed("a recovery", trial.hypervisor.recover, name)
            ensure(trial.runs(), "a recovery ended a running instance")
        ensure(trial.info().state is before, f"a recovery changed the state to {trial.info().state}")
