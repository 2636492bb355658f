"""The suite itself: every clause catches a hypervisor that breaks it, and only the promise fails."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import mutants
import pytest
from mutation import CLAUSES, MUTANTS, Mutant, trial_of, try_clause

from hvcore.fake.driver import FakeDriver
from hvcore.testing.conformance import BrokenPromise, Clause, Level, Verdict

assert mutants.__all__


def test_every_clause_has_a_mutant_and_every_mutant_a_clause() -> None:
    assert set(CLAUSES) - {mutant.clause for mutant in MUTANTS} == set(), (
        "nothing shows that these clauses catch anything"
    )
    assert {mutant.clause for mutant in MUTANTS} - set(CLAUSES) == set(), "these clauses do not exist"
    assert [name for name, times in Counter(map(str, MUTANTS)).items() if times > 1] == []
    assert all(mutant.defect for mutant in MUTANTS)


@pytest.mark.parametrize("clause", CLAUSES.values(), ids=lambda clause: clause.id)
def test_the_healthy_one_keeps(clause: Clause, tmp_path: Path) -> None:
    trial, verdicts = trial_of(tmp_path, FakeDriver, level=Level.MIGRATION, patience_s=30)
    try_clause(clause, trial)
    assert verdicts == [(Verdict.IMPLEMENTED, "")]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_the_suite_catches(mutant: Mutant, tmp_path: Path) -> None:
    trial, verdicts = trial_of(tmp_path, mutant.kind)
    with pytest.raises(BrokenPromise) as caught:
        try_clause(CLAUSES[mutant.clause], trial)
    assert caught.value.clause == mutant.clause
    assert verdicts == []
