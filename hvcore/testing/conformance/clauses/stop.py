"""What a stop promises, asked or forced."""

from __future__ import annotations

from hvcore.errors import InvalidInput, StopTimeout
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import allowed, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["StopClauses"]

_GANETI = "Ganeti StopInstance"


class StopClauses:
    """Stopping an instance."""

    @clause("A forced stop ends the instance: it has no info and is not listed.", source=_GANETI)
    def test_stop_ends(self, trial: Trial) -> None:
        trial.start()
        allowed("a forced stop", trial.hypervisor.stop_instance, trial.name, force=True)
        ensure(not trial.runs(), "after a forced stop get_instance_info still describes it")
        ensure(trial.name not in trial.hypervisor.list_instances(), "after a forced stop it is still listed")

    @clause("A name is enough for a stop.", source="Ganeti's watcher: StopInstance(None, force=True, name=...)")
    def test_stop_by_name(self, trial: Trial) -> None:
        trial.start()
        allowed("a stop by name", trial.hypervisor.stop_instance, name=trial.name, force=True)
        ensure(not trial.runs(), "a stop by name alone did nothing")

    @clause("A definition is enough for a stop.", source=_GANETI)
    def test_stop_by_definition(self, trial: Trial) -> None:
        trial.start()
        allowed("a stop by definition", trial.hypervisor.stop_instance, trial.instance, force=True)
        ensure(not trial.runs(), "a stop by definition did nothing")

    @clause("A stop of what does not run is no error, asked or forced.", source="Ganeti's shutdown protocol")
    def test_stop_of_what_does_not_run(self, trial: Trial) -> None:
        for force in (False, True):
            allowed("a stop of what never ran", trial.hypervisor.stop_instance, trial.instance, force=force)

    @clause("A stop of a name that nobody knows is no error, asked or forced.", source="Ganeti's shutdown protocol")
    def test_stop_of_an_unknown_name(self, trial: Trial) -> None:
        for force in (False, True):
            allowed("a stop of an unknown name", trial.hypervisor.stop_instance, trial.unknown, force=force)

    @clause("A second stop is no error.", source="Ganeti's shutdown protocol")
    def test_stop_twice(self, trial: Trial) -> None:
        trial.start()
        for what in ("a forced stop", "a second forced stop"):
            allowed(what, trial.hypervisor.stop_instance, trial.name, force=True)

    @clause("After stop and cleanup nothing is known of the instance.", source="Ganeti's defect: files stay for ever")
    def test_stop_forgets_the_definition(self, trial: Trial) -> None:
        trial.start()
        trial.stop()
        known = trial.hypervisor.get_instance_definition(trial.name)
        ensure(known is None, f"after stop and cleanup there is still the definition {known}")

    @clause("A stop without a name, or with two that differ, is refused.", "stop_instance")
    def test_stop_needs_one_name(self, trial: Trial) -> None:
        stop = trial.hypervisor.stop_instance
        refused(InvalidInput, "a stop without a name", stop, force=True)
        refused(InvalidInput, "a stop with two names", stop, trial.name, force=True, name=trial.unknown)

    @clause("A stop with less than no time is refused, and the instance runs on.")
    def test_stop_refuses_a_negative_time(self, trial: Trial) -> None:
        trial.start()
        refused(InvalidInput, "a stop within -1 s", trial.hypervisor.stop_instance, trial.name, timeout_s=-1)
        ensure(trial.runs(), "a stop that was refused ended the instance")

    @clause("A forced stop ends a paused instance.", "pause_instance", level=Level.FULL)
    def test_stop_of_a_paused_one(self, trial: Trial) -> None:
        trial.start()
        allowed("a pause", trial.hypervisor.pause_instance, trial.name)
        allowed("a forced stop of a paused instance", trial.hypervisor.stop_instance, trial.name, force=True)
        ensure(not trial.runs(), "a forced stop of a paused instance did nothing")

    @clause("A soft stop raises StopTimeout if, and only if, the guest still runs.", source=_GANETI)
    def test_stop_softly_tells_the_truth(self, trial: Trial) -> None:
        instance = trial.offers.stubborn or trial.instance
        trial.start(instance)
        try:
            trial.hypervisor.stop_instance(instance.name, timeout_s=0.2)
        except StopTimeout:
            ensure(trial.runs(instance.name), "a soft stop raised StopTimeout, and the instance does not run")
        else:
            ensure(not trial.runs(instance.name), "a soft stop raised nothing, and the instance still runs")

    @clause("A soft stop keeps to its time.", source="Ganeti 2.9.6 StopInstance(timeout)")
    def test_stop_softly_in_time(self, trial: Trial) -> None:
        instance = trial.offers.stubborn or trial.instance
        trial.start(instance)
        trial.timed(lambda: _softly(trial, instance.name, 0.2), "a soft stop within 0.2 s")

    @clause(
        "No time at all is a time, too: a soft stop within 0 s does not wait.",
        source="gnt-instance shutdown --timeout=0",
    )
    def test_stop_softly_in_no_time(self, trial: Trial) -> None:
        instance = trial.offers.stubborn or trial.instance
        trial.start(instance)
        trial.timed(lambda: _softly(trial, instance.name, 0), "a soft stop within 0 s")

    @clause("Force ends a guest that a soft stop could not end.", source="Ganeti's shutdown protocol, step 4")
    def test_stop_by_force_after_a_soft_one(self, trial: Trial) -> None:
        instance = trial.offers.stubborn or trial.instance
        trial.start(instance)
        _softly(trial, instance.name, 0)
        allowed("a forced stop after a soft one", trial.hypervisor.stop_instance, instance.name, force=True)
        ensure(not trial.runs(instance.name), "after a soft stop a forced one did nothing")

    @clause(
        "After StopTimeout the instance is as it was: listed, and with its definition.",
        level=Level.FULL,
        source=_GANETI,
    )
    def test_stop_in_vain_changes_nothing(self, trial: Trial) -> None:
        instance = trial.stubborn()
        trial.start(instance)
        before = trial.hypervisor.get_instance_definition(instance.name)
        refused(
            StopTimeout, "a soft stop of a stubborn guest", trial.hypervisor.stop_instance, instance.name, timeout_s=0
        )
        ensure(
            instance.name in trial.hypervisor.list_instances(), "after StopTimeout the instance is not listed any more"
        )
        after = trial.hypervisor.get_instance_definition(instance.name)
        ensure(after == before, f"after StopTimeout its definition is {after}")

    @clause(
        "To ask again is not to force: a retry leaves a guest running that refuses.",
        level=Level.FULL,
        source="Ganeti's shutdown protocol, step 3",
    )
    def test_stop_again_is_no_force(self, trial: Trial) -> None:
        instance = trial.stubborn()
        trial.start(instance)
        for retry in (False, True, True):
            what = "a soft stop of a stubborn guest"
            refused(StopTimeout, what, trial.hypervisor.stop_instance, instance.name, retry=retry, timeout_s=0)
        ensure(trial.runs(instance.name), "asking again ended the guest by force")


def _softly(trial: Trial, name: str, timeout_s: float) -> None:
    """Ask a guest to shut down, whether it does so in time or not."""
    try:
        trial.hypervisor.stop_instance(name, timeout_s=timeout_s)
    except StopTimeout as error:
        ensure(error.instance == name, f"StopTimeout is about {error.instance}, not {name}")
