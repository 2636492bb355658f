"""What operations promise to leave behind: nothing."""

from __future__ import annotations

from hvcore.errors import OperationFailed
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import NotOffered, allowed, refused
from hvcore.testing.conformance.support import why_unsupported
from hvcore.testing.conformance.trial import Trial

__all__ = ["LeftoverClauses"]


class LeftoverClauses:
    """What is on the node when an instance is gone."""

    @clause("After start, stop and cleanup nothing is left on the node.", source="Ganeti's defect: files stay for ever")
    def test_nothing_is_left_of_a_life(self, trial: Trial) -> None:
        before = trial.offers.leftovers()
        trial.start()
        trial.stop()
        trial.must_leave_nothing(before, "start, stop and cleanup")

    @clause("After pause, resume, reboot and balloon, a stop leaves nothing either.", level=Level.FULL)
    def test_nothing_is_left_of_an_eventful_life(self, trial: Trial) -> None:
        verbs = trial.hypervisor
        changes = {
            "pause_instance": lambda: verbs.pause_instance(trial.name),
            "resume_instance": lambda: verbs.resume_instance(trial.name),
            "balloon_instance_memory": lambda: verbs.balloon_instance_memory(trial.name, trial.instance.memory_mib),
            "reboot_instance": lambda: verbs.reboot_instance(trial.name),
        }
        before = trial.offers.leftovers()
        possible = [name for name in changes if why_unsupported(verbs, name, trial.instance) is None]
        if not possible:
            raise NotOffered(f"{verbs.name} supports none of {', '.join(changes)}")
        trial.start()
        for name in possible:
            allowed(name, changes[name])
        trial.stop()
        trial.must_leave_nothing(before, "an eventful life")

    @clause("A start that fails leaves nothing on the node.", level=Level.FULL)
    def test_nothing_is_left_of_a_failed_start(self, trial: Trial) -> None:
        failing = trial.failing()
        before = trial.offers.leftovers()
        refused(OperationFailed, "the start of failing_instance", trial.hypervisor.start_instance, failing)
        trial.must_leave_nothing(before, "a start that failed")

    @clause("Stops and cleanups of what never ran leave nothing on the node.")
    def test_nothing_is_left_of_a_needless_stop(self, trial: Trial) -> None:
        before = trial.offers.leftovers()
        trial.stop()
        trial.must_leave_nothing(before, "a stop of what never ran")
