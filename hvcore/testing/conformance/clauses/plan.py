"""What the plan of a start promises."""

from __future__ import annotations

from attrs import evolve

from hvcore.errors import InvalidParameter
from hvcore.testing.conformance.clause import Level, clause
from hvcore.testing.conformance.promise import allowed, ensure, refused
from hvcore.testing.conformance.trial import Trial

__all__ = ["PlanClauses"]


class PlanClauses:
    """Saying what a start would do."""

    @clause("Planning a start touches nothing.", "plan_start", level=Level.FULL)
    def test_plan_touches_nothing(self, trial: Trial) -> None:
        before = trial.offers.leftovers()
        allowed("a plan", trial.hypervisor.plan_start, trial.instance)
        ensure(not trial.runs(), "after a plan the instance runs")
        trial.must_leave_nothing(before, "a plan")

    @clause(
        "A plan names hypervisor and instance, and its steps, each once and with a word.",
        "plan_start",
        level=Level.FULL,
    )
    def test_plan_names_its_steps(self, trial: Trial) -> None:
        plan = allowed("a plan", trial.hypervisor.plan_start, trial.instance)
        whose = (plan.hypervisor, plan.instance)
        ensure(whose == (trial.hypervisor.name, trial.name), f"the plan is about {whose}")
        names = [step.name for step in plan.steps]
        ensure(names and len(set(names)) == len(names), f"the steps of the plan are {names}")
        mute = [step.name for step in plan.steps if not step.summary]
        ensure(not mute, f"the plan does not say what these steps do: {mute}")

    @clause("Two plans of one start are equal.", "plan_start", level=Level.FULL)
    def test_plan_is_repeatable(self, trial: Trial) -> None:
        first = allowed("a plan", trial.hypervisor.plan_start, trial.instance)
        second = allowed("a second plan", trial.hypervisor.plan_start, trial.instance)
        ensure(first == second, "the second plan of the same start is another one")

    @clause("A plan refuses the parameters that a start would refuse.", "plan_start", level=Level.FULL)
    def test_plan_refuses_an_unknown_parameter(self, trial: Trial) -> None:
        bad = evolve(trial.instance, parameters={**trial.instance.parameters, "no_such_parameter": "1"})
        refused(InvalidParameter, "a plan with an unknown parameter", trial.hypervisor.plan_start, bad)
