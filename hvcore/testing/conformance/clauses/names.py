"""What instances promise each other whose names begin alike."""

from __future__ import annotations

from hvcore.model.state import InstanceState
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import allowed, ensure
from hvcore.testing.conformance.trial import Trial

__all__ = ["NameClauses"]

_DEFECT = "Ganeti's defect: inst1 also unmounts inst10"


class NameClauses:
    """Two instances, the name of one a prefix of the other's."""

    @clause("Two instances whose names begin alike run side by side, and both are listed.", source=_DEFECT)
    def test_names_run_side_by_side(self, trial: Trial) -> None:
        both = {trial.start(), trial.start(trial.sibling)}
        listed = both & set(trial.hypervisor.list_instances())
        ensure(listed == both, f"of {sorted(both)} only {sorted(listed)} are listed")

    @clause("The info of one name is not that of another that begins alike.", source=_DEFECT)
    def test_names_are_told_apart(self, trial: Trial) -> None:
        trial.start(trial.sibling)
        found = trial.hypervisor.get_instance_info(trial.name)
        ensure(found is None, f"{trial.sibling.name} runs, and the info of {trial.name} is {found}")
        known = trial.hypervisor.get_instance_definition(trial.name)
        ensure(known is None, f"{trial.sibling.name} runs, and the definition of {trial.name} is {known}")

    @clause("Stopping the shorter name spares the longer one.", source=_DEFECT)
    def test_names_stop_spares_the_longer(self, trial: Trial) -> None:
        names = trial.start(), trial.start(trial.sibling)
        trial.stop(names[0])
        ensure(trial.runs(names[1]), f"stopping {names[0]} ended {names[1]}")

    @clause("Stopping the longer name spares the shorter one.", source=_DEFECT)
    def test_names_stop_spares_the_shorter(self, trial: Trial) -> None:
        names = trial.start(), trial.start(trial.sibling)
        trial.stop(names[1])
        ensure(trial.runs(names[0]), f"stopping {names[1]} ended {names[0]}")

    @clause("Cleaning up the shorter name spares the longer one.", source=_DEFECT)
    def test_names_cleanup_spares_the_longer(self, trial: Trial) -> None:
        other = trial.start(trial.sibling)
        before = trial.hypervisor.get_instance_definition(other)
        allowed("a cleanup", trial.hypervisor.cleanup_instance, trial.name)
        ensure(trial.runs(other), f"cleaning up {trial.name} ended {other}")
        after = trial.hypervisor.get_instance_definition(other)
        ensure(after == before, f"cleaning up {trial.name} made the definition of {other} {after}")

    @clause("Pausing one name spares another that begins alike.", "pause_instance", level=Level.FULL, source=_DEFECT)
    def test_names_pause_spares_the_others(self, trial: Trial) -> None:
        names = trial.start(), trial.start(trial.sibling)
        allowed("a pause", trial.hypervisor.pause_instance, names[0])
        state = trial.info(names[1]).state
        ensure(state is InstanceState.RUNNING, f"pausing {names[0]} left {names[1]} {state}")
