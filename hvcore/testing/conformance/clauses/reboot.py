"""What a reboot promises."""

from __future__ import annotations

import time

from hvcore.errors import InstanceNotFound, NotRunning
from hvcore.model.state import InstanceState
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import allowed, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["RebootClauses"]

_GANETI = 'Ganeti RebootInstance, type "soft"'


class RebootClauses:
    """Restarting a guest."""

    @clause("When a reboot returns, the instance runs.", "reboot_instance", level=Level.FULL, source=_GANETI)
    def test_reboot_runs(self, trial: Trial) -> None:
        trial.start()
        allowed("a reboot", trial.hypervisor.reboot_instance, trial.instance)
        state = trial.info().state
        ensure(state is InstanceState.RUNNING, f"after a reboot its state is {state}")

    @clause(
        "After a reboot the guest is a new one: its init is another process, or its CPU time began anew.",
        "reboot_instance",
        level=Level.FULL,
        source=_GANETI,
    )
    def test_reboot_restarts_the_guest(self, trial: Trial) -> None:
        trial.start()
        before = trial.info()
        time.sleep(0.02)  # so that a guest that is not restarted is sure to be older than the reboot takes to look at
        began = time.monotonic()
        allowed("a reboot", trial.hypervisor.reboot_instance, trial.instance)
        after = trial.info()
        took_s = time.monotonic() - began
        restarted = after.pid != before.pid if after.pid is not None else after.cpu_seconds <= took_s * after.vcpus
        ensure(
            restarted,
            f"after a reboot its init is process {after.pid} and it has used {after.cpu_seconds} s of CPU time",
        )

    @clause("A reboot keeps the definition and the memory.", "reboot_instance", level=Level.FULL, source=_GANETI)
    def test_reboot_keeps_the_definition(self, trial: Trial) -> None:
        trial.start()
        before = trial.hypervisor.get_instance_definition(trial.name), trial.info().memory_mib
        allowed("a reboot", trial.hypervisor.reboot_instance, trial.instance)
        after = trial.hypervisor.get_instance_definition(trial.name), trial.info().memory_mib
        ensure(after == before, f"a reboot changed it from {before} to {after}")

    @clause("A name is enough for a reboot.", "reboot_instance", level=Level.FULL)
    def test_reboot_by_name(self, trial: Trial) -> None:
        trial.start()
        allowed("a reboot by name", trial.hypervisor.reboot_instance, trial.name)
        ensure(trial.runs(), "after a reboot by name the instance does not run")

    @clause(
        "A reboot of what does not run raises NotRunning, and starts nothing.",
        "reboot_instance",
        level=Level.FULL,
        source=_GANETI,
    )
    def test_reboot_of_what_does_not_run(self, trial: Trial) -> None:
        refused(NotRunning, "a reboot of what does not run", trial.hypervisor.reboot_instance, trial.instance)
        ensure(not trial.runs(), "a reboot started what did not run")

    @clause("A verb that needs a definition raises InstanceNotFound for a name that nobody knows.")
    def test_definition_of_an_unknown_name_is_missed(self, trial: Trial) -> None:
        what = "a check of an unknown name"
        refused(InstanceNotFound, what, trial.hypervisor.verify_instance, trial.unknown)
