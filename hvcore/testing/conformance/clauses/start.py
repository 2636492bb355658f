"""What a start promises."""

from __future__ import annotations

from attrs import evolve

from hvcore.errors import AlreadyRunning, InvalidInput, InvalidParameter, OperationFailed
from hvcore.model.state import InstanceState
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import allowed, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["StartClauses"]

_GANETI = "Ganeti StartInstance"


class StartClauses:
    """Starting an instance."""

    @clause("When a start returns, the instance runs.", source=_GANETI)
    def test_start_runs(self, trial: Trial) -> None:
        trial.start()
        state = trial.info().state
        ensure(state is InstanceState.RUNNING, f"after a start its state is {state}")

    @clause("An instance that was started is listed.", source=_GANETI)
    def test_start_lists(self, trial: Trial) -> None:
        trial.start()
        ensure(trial.name in trial.hypervisor.list_instances(), "list_instances leaves out what was just started")

    @clause("The definition of a running instance is what it was started with, its parameters filled in.")
    def test_start_keeps_the_definition(self, trial: Trial) -> None:
        trial.start()
        known = trial.hypervisor.get_instance_definition(trial.name)
        wanted = trial.hypervisor.prepare_instance(trial.instance)
        ensure(known == wanted, f"get_instance_definition says {known}, and it was started as {wanted}")

    @clause("A running instance has the memory of its definition.", level=Level.FULL, source="Ganeti beparams maxmem")
    def test_start_gives_the_memory(self, trial: Trial) -> None:
        trial.start()
        memory_mib, wanted_mib = trial.info().memory_mib, trial.instance.memory_mib
        ensure(memory_mib == wanted_mib, f"it has {memory_mib} MiB of the {wanted_mib} MiB in its definition")

    @clause(
        "With a least memory given, a start gives no less than that and no more than the most.",
        level=Level.FULL,
        source="Ganeti _InstanceStartupMemory",
    )
    def test_start_gives_memory_between_bounds(self, trial: Trial) -> None:
        most_mib = trial.instance.memory_mib
        trial.start(evolve(trial.instance, memory_min_mib=max(1, most_mib // 2)))
        memory_mib = trial.info().memory_mib
        bounds = f"{most_mib // 2} to {most_mib} MiB"
        ensure(most_mib // 2 <= memory_mib <= most_mib, f"it has {memory_mib} MiB, where {bounds} are allowed")

    @clause("A running instance has the CPUs of its definition.", level=Level.FULL, source="Ganeti beparams vcpus")
    def test_start_gives_the_cpus(self, trial: Trial) -> None:
        trial.start()
        vcpus = trial.info().vcpus
        ensure(vcpus == trial.instance.vcpus, f"it has {vcpus} CPUs of the {trial.instance.vcpus} in its definition")

    @clause("Starting what runs already raises AlreadyRunning.", source=_GANETI)
    def test_start_twice_is_refused(self, trial: Trial) -> None:
        trial.start()
        refused(AlreadyRunning, "a second start", trial.hypervisor.start_instance, trial.instance)

    @clause("A start that is refused changes nothing of what runs.", source=_GANETI)
    def test_start_twice_changes_nothing(self, trial: Trial) -> None:
        trial.start()
        before = trial.hypervisor.get_instance_definition(trial.name), trial.info().memory_mib
        other = evolve(trial.instance, memory_mib=trial.instance.memory_mib + 16, tags=("other",))
        refused(AlreadyRunning, "a second start", trial.hypervisor.start_instance, other)
        after = trial.hypervisor.get_instance_definition(trial.name), trial.info().memory_mib
        ensure(after == before, f"a refused start changed it from {before} to {after}")

    @clause("What was stopped can be started again.", source=_GANETI)
    def test_start_again_after_a_stop(self, trial: Trial) -> None:
        trial.start()
        trial.stop()
        trial.start()
        ensure(trial.runs(), "the second start of a stopped instance did nothing")

    @clause("What was stopped can be started from another definition.", source=_GANETI)
    def test_start_again_from_another_definition(self, trial: Trial) -> None:
        trial.start()
        trial.stop()
        other = evolve(trial.instance, tags=("another",))
        trial.start(other)
        known = trial.hypervisor.get_instance_definition(trial.name)
        ensure(
            known is not None and known.tags == other.tags, f"it was started anew, and its definition is still {known}"
        )

    @clause(
        "A parameter that is not declared is refused, and nothing is started.", source="Ganeti CheckParameterSyntax"
    )
    def test_start_refuses_an_unknown_parameter(self, trial: Trial) -> None:
        bad = evolve(trial.instance, parameters={**trial.instance.parameters, "no_such_parameter": "1"})
        refused(InvalidParameter, "a start with an unknown parameter", trial.hypervisor.start_instance, bad)
        ensure(not trial.runs(), "it was started in spite of an unknown parameter")

    @clause("An instance of another hypervisor is refused, and nothing is started.")
    def test_start_refuses_another_hypervisors_instance(self, trial: Trial) -> None:
        foreign = evolve(trial.instance, hypervisor="no-such-hypervisor", parameters={})
        refused(InvalidInput, "a start of another hypervisor's instance", trial.hypervisor.start_instance, foreign)
        ensure(not trial.runs(), "another hypervisor's instance was started")

    @clause(
        "A start that fails leaves no instance, no definition, and says that nothing is left behind.",
        level=Level.FULL,
        source="Ganeti's defect: a failed start leaves the root mounted",
    )
    def test_start_that_fails_is_undone(self, trial: Trial) -> None:
        failing = trial.failing()
        error = refused(OperationFailed, "the start of failing_instance", trial.hypervisor.start_instance, failing)
        ensure(error.left_behind == (), f"a failed start left behind {', '.join(error.left_behind)}")
        ensure(not trial.runs(failing.name), "after a start that failed the instance runs")
        known = trial.hypervisor.get_instance_definition(failing.name)
        ensure(known is None, f"after a start that failed there is still the definition {known}")

    @clause("After a start that failed, a good one of the same name succeeds.", level=Level.FULL)
    def test_start_that_failed_can_be_repeated(self, trial: Trial) -> None:
        failing = trial.failing()
        refused(OperationFailed, "the start of failing_instance", trial.hypervisor.start_instance, failing)
        trial.start(evolve(trial.instance, name=failing.name))
        ensure(trial.runs(failing.name), "a good start after a failed one did nothing")

    @clause(
        "A paused start leaves the instance paused.",
        "pause_instance",
        level=Level.FULL,
        source="Ganeti 2.5 startup_paused",
    )
    def test_start_paused(self, trial: Trial) -> None:
        trial.start(startup_paused=True)
        state = trial.info().state
        ensure(state is InstanceState.PAUSED, f"after a paused start its state is {state}")

    @clause(
        "What was started paused runs once it is resumed.",
        "resume_instance",
        level=Level.FULL,
        source="Ganeti 2.5 startup_paused",
    )
    def test_start_paused_then_resumed(self, trial: Trial) -> None:
        trial.start(startup_paused=True)
        allowed("a resume after a paused start", trial.hypervisor.resume_instance, trial.name)
        state = trial.info().state
        ensure(state is InstanceState.RUNNING, f"after a paused start and a resume its state is {state}")
