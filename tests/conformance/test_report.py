"""The table of verdicts, and the level that they amount to."""

from __future__ import annotations

import json

import pytest

from hvcore.testing.conformance.clause import Clause, Level, Verdict
from hvcore.testing.conformance.report import make_report

CLAUSES = tuple(Clause(f"{level}-{n}", f"Clause {n}.", level) for level in Level for n in (1, 2))
YES, NO, FAILED = (Verdict.IMPLEMENTED, ""), (Verdict.UNSUPPORTED, "too | hard"), (Verdict.FAILED, "it\nbroke")


@pytest.mark.parametrize(
    ("verdicts", "level"),
    [
        ([YES] * 6, Level.MIGRATION),
        ([YES] * 5 + [NO], Level.FULL),
        ([YES, YES, NO, YES, YES, YES], Level.CORE),
        ([YES, YES, FAILED, YES, NO, NO], Level.CORE),
        ([NO] + [YES] * 5, None),
        ([FAILED] + [YES] * 5, None),
        ([YES], None),
        ([], None),
    ],
)
def test_a_level_is_reached_when_all_up_to_it_is_implemented(verdicts: list[tuple[Verdict, str]], level: Level) -> None:
    found = {clause.id: verdict for clause, verdict in zip(CLAUSES, verdicts, strict=False)}
    assert make_report("a", CLAUSES, found).level is level


def test_what_did_not_run_has_failed() -> None:
    report = make_report("a", CLAUSES, {"core-1": YES, "core-2": FAILED})
    assert len(report.failed) == 5
    assert report.summary() == "level none (core 1 of 2, full 0 of 2, migration 0 of 2); 1 failed; 4 did not run"


def test_the_table_stays_one() -> None:
    report = make_report("a", CLAUSES, {"core-1": NO, "core-2": FAILED, "full-1": (Verdict.FAILED, "x" * 500)})
    heading, _, reached, _, *table = report.text().splitlines()
    assert heading == "## Conformance of a"
    assert reached.startswith("Reached: level none (")
    assert len(table) == 2 + len(CLAUSES)
    assert len({len(line) for line in table}) == 1
    assert "declared unsupported: too / hard " in table[2]
    assert "failed: it broke " in table[3]
    assert len(table[0]) < 220


def test_the_json_has_stable_keys() -> None:
    told = json.loads(json.dumps(make_report("a", CLAUSES, {"core-1": NO}).to_dict()))
    assert told.keys() == {"subject", "level", "levels", "failed", "clauses"}
    assert told["levels"]["core"] == {"implemented": 0, "clauses": 2}
    assert told["clauses"][0] == {
        "id": "core-1",
        "level": "core",
        "verdict": "declared unsupported",
        "text": "Clause 1.",
        "reason": "too | hard",
    }
