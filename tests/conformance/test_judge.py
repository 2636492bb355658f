"""What becomes of a clause: kept, not offered, or broken; and what is proved before a hypervisor is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from mutation import CLAUSES, trial_of, try_clause

from hvcore.errors import Unsupported
from hvcore.fake.driver import FakeDriver
from hvcore.hypervisor import Hypervisor
from hvcore.model.capability import Support
from hvcore.plugin import BaseHypervisor, hookimpl
from hvcore.testing.conformance import BrokenPromise, Level, Verdict, clauses_of
from hvcore.testing.conformance.suite import HypervisorConformance
from hvcore.testing.conformance.support import NEVER_CALLED, PROBES


class Nothing(BaseHypervisor):
    pass


class RefusesToPause(FakeDriver):
    """It answers, and says by an error that it does not."""

    @hookimpl
    def pause_instance(self, instance_name: str) -> None:
        raise Unsupported("not here")


class LimitsThePause(Hypervisor):
    def capabilities(self) -> Any:
        return tuple(
            evolve(c, support=Support.LIMITED, reason="slow") if c.operation == "pause_instance" else c
            for c in super().capabilities()
        )


class LiesAboutAnotherVerb(Hypervisor):
    def capabilities(self) -> Any:
        return tuple(
            evolve(c, support=Support.NO, reason="hard") if c.operation == "pause_instance" else c
            for c in super().capabilities()
        )

    def pause_instance(self, instance: Any) -> None:
        raise Unsupported("not here", operation="resume_instance")


def test_names_follow_from_methods_and_texts_are_sentences() -> None:
    for clause in clauses_of(HypervisorConformance):
        assert getattr(HypervisorConformance, clause.test).__doc__ == clause.text
        assert clause.text[0].isupper() or clause.text.startswith("can_migrate")
        assert clause.text.endswith(".")
        assert "\n" not in clause.text
        assert len(clause.text) < 120
        assert clause.source


def test_every_clause_is_a_test_of_its_own_and_every_test_a_clause() -> None:
    tests = {name for name in dir(HypervisorConformance) if name.startswith("test_")}
    assert tests == {clause.test for clause in CLAUSES.values()} | {"test_the_suite_is_whole"}
    assert len(CLAUSES) == len(clauses_of(HypervisorConformance)) > 100
    assert sum(len(clauses_of(base)) for base in HypervisorConformance.__bases__) == len(CLAUSES), (
        "a name is taken twice"
    )


def test_every_operation_of_the_contract_can_be_probed(tmp_path: Path) -> None:
    trial, _ = trial_of(tmp_path, Nothing)
    operations = {capability.operation for capability in trial.hypervisor.capabilities()}
    assert operations == PROBES.keys() | NEVER_CALLED
    assert {operation for clause in CLAUSES.values() for operation in clause.operations} <= operations


def test_levels_include_those_before_them() -> None:
    assert Level.CORE.included == (Level.CORE,)
    assert Level.MIGRATION.included == (Level.CORE, Level.FULL, Level.MIGRATION)


@pytest.mark.parametrize("clause", [c for c in CLAUSES.values() if c.level is not Level.CORE], ids=lambda c: c.id)
def test_nothing_keeps_no_clause_above_the_core(tmp_path: Path, clause: Any) -> None:
    trial, verdicts = trial_of(tmp_path, Nothing, stubborn=None, failing=None, disk=None, nic=None, second=None)
    try:
        try_clause(clause, trial)
    except BrokenPromise:
        return
    [(verdict, reason)] = verdicts
    assert verdict is Verdict.UNSUPPORTED
    assert reason


def test_nothing_fails_most_of_the_core(tmp_path: Path) -> None:
    kept: list[str] = []
    for clause in (clause for clause in CLAUSES.values() if clause.level is Level.CORE):
        trial, _ = trial_of(tmp_path / clause.id, Nothing, stubborn=None)
        try:
            try_clause(clause, trial)
        except BrokenPromise:
            continue
        kept.append(clause.id)
    # What BaseHypervisor answers for every driver.
    prefixes = ("capabilities-", "node-", "parameters-", "files-", "cleanup-of-an-unknown-name")
    assert [name for name in kept if not name.startswith(prefixes)] == []


def test_what_is_not_offered_is_recorded_with_the_reason(tmp_path: Path) -> None:
    trial, verdicts = trial_of(tmp_path, FakeDriver, stubborn=None)
    try_clause(CLAUSES["stop-again-is-no-force"], trial)
    reason = "no guest ignores a request to shut down: the fixture stubborn_instance returns None"
    assert verdicts == [(Verdict.UNSUPPORTED, reason)]


def test_what_is_not_offered_fails_where_its_level_is_required(tmp_path: Path) -> None:
    trial, verdicts = trial_of(tmp_path, FakeDriver, level=Level.FULL, stubborn=None)
    with pytest.raises(BrokenPromise, match="level full needs it, and it is not offered: no guest ignores"):
        try_clause(CLAUSES["stop-again-is-no-force"], trial)
    assert verdicts == []


def test_who_can_migrate_needs_another_node(tmp_path: Path) -> None:
    trial, _ = trial_of(tmp_path, FakeDriver, second=None)
    with pytest.raises(BrokenPromise, match="let the fixture second_hypervisor return"):
        try_clause(CLAUSES["migration-arrives"], trial)


@pytest.mark.parametrize("clause", ["pause-is-seen", "stop-of-a-paused-one"])
def test_who_says_unsupported_must_declare_it(tmp_path: Path, clause: str) -> None:
    trial, _ = trial_of(tmp_path, RefusesToPause)
    with pytest.raises(BrokenPromise, match="pause_instance is declared as supported, and raised Unsupported"):
        try_clause(CLAUSES[clause], trial)


def test_what_is_declared_unsupported_must_say_so_of_itself(tmp_path: Path) -> None:
    trial, _ = trial_of(tmp_path, LiesAboutAnotherVerb)
    with pytest.raises(BrokenPromise, match="the error of a call is about"):
        try_clause(CLAUSES["pause-is-seen"], trial)


def test_what_is_limited_is_tried(tmp_path: Path) -> None:
    trial, verdicts = trial_of(tmp_path, LimitsThePause)
    try_clause(CLAUSES["pause-is-seen"], trial)
    assert verdicts == [(Verdict.IMPLEMENTED, "")]


def test_a_trial_ends_what_a_clause_left_running(tmp_path: Path) -> None:
    trial, _ = trial_of(tmp_path, FakeDriver)
    trial.start()
    trial.start(trial.sibling, startup_paused=True)
    trial.clean()
    assert trial.hypervisor.list_instances() == ()


def test_a_trial_begins_with_an_instance_that_does_not_run(tmp_path: Path) -> None:
    trial, _ = trial_of(tmp_path, FakeDriver)
    trial.require_clean()
    trial.start()
    with pytest.raises(BrokenPromise, match="runs before the clause begins"):
        trial.require_clean()
