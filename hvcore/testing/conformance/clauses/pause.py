"""What pausing promises."""

from __future__ import annotations

import time

from hvcore.errors import NotRunning
from hvcore.model.state import InstanceState
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import allowed, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["PauseClauses"]


class PauseClauses:
    """Taking the CPU away, and giving it back."""

    @clause("A pause is seen in the state, in both kinds of info.", "pause_instance", level=Level.FULL)
    def test_pause_is_seen(self, trial: Trial) -> None:
        _pause(trial)
        state = trial.info().state
        ensure(state is InstanceState.PAUSED, f"after a pause its state is {state}")
        states = [info.state for info in trial.hypervisor.get_all_instances_info() if info.name == trial.name]
        ensure(states == [InstanceState.PAUSED], f"after a pause get_all_instances_info says {states}")

    @clause("A paused instance is listed.", "pause_instance", level=Level.FULL)
    def test_pause_stays_listed(self, trial: Trial) -> None:
        _pause(trial)
        ensure(trial.name in trial.hypervisor.list_instances(), "list_instances leaves out a paused instance")

    @clause("A paused instance uses no CPU time.", "pause_instance", level=Level.FULL)
    def test_pause_stops_the_cpu(self, trial: Trial) -> None:
        _pause(trial)
        began, before_s = time.monotonic(), trial.info().cpu_seconds
        time.sleep(0.1)
        used_s, took_s = trial.info().cpu_seconds - before_s, time.monotonic() - began
        ensure(used_s <= took_s / 2, f"a paused instance used {used_s:.3f} s of CPU time in {took_s:.3f} s")

    @clause("Pausing what is paused changes nothing.", "pause_instance", level=Level.FULL)
    def test_pause_twice(self, trial: Trial) -> None:
        _pause(trial)
        allowed("a second pause", trial.hypervisor.pause_instance, trial.name)
        state = trial.info().state
        ensure(state is InstanceState.PAUSED, f"after a second pause its state is {state}")

    @clause("Pausing what does not run raises NotRunning.", "pause_instance", level=Level.FULL)
    def test_pause_of_what_does_not_run(self, trial: Trial) -> None:
        refused(NotRunning, "a pause of what does not run", trial.hypervisor.pause_instance, trial.instance)

    @clause("A resumed instance runs.", "pause_instance", "resume_instance", level=Level.FULL)
    def test_resume_is_seen(self, trial: Trial) -> None:
        _pause(trial)
        allowed("a resume", trial.hypervisor.resume_instance, trial.name)
        state = trial.info().state
        ensure(state is InstanceState.RUNNING, f"after a resume its state is {state}")

    @clause("Resuming what runs changes nothing.", "resume_instance", level=Level.FULL)
    def test_resume_of_what_runs(self, trial: Trial) -> None:
        trial.start()
        allowed("a resume of what runs", trial.hypervisor.resume_instance, trial.name)
        state = trial.info().state
        ensure(state is InstanceState.RUNNING, f"after a resume of what ran its state is {state}")

    @clause("Resuming what does not run raises NotRunning.", "resume_instance", level=Level.FULL)
    def test_resume_of_what_does_not_run(self, trial: Trial) -> None:
        refused(NotRunning, "a resume of what does not run", trial.hypervisor.resume_instance, trial.instance)


def _pause(trial: Trial) -> None:
    trial.start()
    allowed("a pause", trial.hypervisor.pause_instance, trial.name)
