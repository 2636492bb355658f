"""What the check and the repair of a running instance's configuration promise."""

from __future__ import annotations

from hvcore.testing.conformance.clause import clause
from hvcore.testing.conformance.promise import allowed, ensure
from hvcore.testing.conformance.trial import Trial

__all__ = ["RuntimeClauses"]

_GANETI = "Ganeti 2.16 VerifyInstance and RestoreInstance"


class RuntimeClauses:
    """The runtime configuration of a running instance."""

    @clause("An instance that was just started has all its runtime configuration.", source=_GANETI)
    def test_verify_instance_after_a_start(self, trial: Trial) -> None:
        trial.start()
        ensure(
            allowed("a check of an instance", trial.hypervisor.verify_instance, trial.name) is True,
            "verify_instance misses something of an instance that was just started",
        )

    @clause("A restore of what lacks nothing leaves it running.", source=_GANETI)
    def test_restore_instance_spares_what_runs(self, trial: Trial) -> None:
        trial.start()
        before = trial.info()
        allowed("a restore", trial.hypervisor.restore_instance, trial.instance)
        ensure(trial.runs(), "a restore ended the instance")
        after = trial.info()
        ensure((after.state, after.pid) == (before.state, before.pid), f"a restore made of {before} {after}")

    @clause("After a restore nothing is missing.", source=_GANETI)
    def test_restore_instance_completes(self, trial: Trial) -> None:
        trial.start()
        allowed("a restore", trial.hypervisor.restore_instance, trial.instance)
        ensure(trial.hypervisor.verify_instance(trial.name), "after a restore verify_instance misses something")
        known = trial.hypervisor.get_instance_definition(trial.name)
        wanted = trial.hypervisor.prepare_instance(trial.instance)
        ensure(known == wanted, f"after a restore the definition is {known}")
