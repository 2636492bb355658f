"""What an author of a hypervisor does with the suite, as the how-to says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "conformance.md"
TEST, HYPERVISOR = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)

NOTHING = """
from hvcore.errors import HypervisorError
from hvcore.plugin import BaseHypervisor, HypervisorPlugin

plugin = HypervisorPlugin(name="tiny", summary="nothing at all", driver=BaseHypervisor)
"""


class Author:
    """A folder with a hypervisor and its test."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.write(TEST, HYPERVISOR)

    def write(self, test: str = TEST, hypervisor: str = HYPERVISOR) -> None:
        (self.place / "tinyhv.py").write_text(hypervisor)
        (self.place / "test_tinyhv.py").write_text(test)
        (self.place / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")

    def run(self, module: str, *words: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", module, *words]
        environment = {**os.environ, "PYTHONPATH": str(self.place), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
        done = subprocess.run(command, cwd=self.place, env=environment, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout, done.stderr

    def report(self, *words: str) -> tuple[int, Any]:
        status, output, errors = self.run("hvcore.testing.conformance", "test_tinyhv.py", "--json", *words)
        assert output.startswith("{"), errors
        return status, json.loads(output)


@pytest.fixture
def author(tmp_path: Path) -> Author:
    return Author(tmp_path)


def verdicts(report: Any) -> dict[str, str]:
    return {clause["id"]: clause["verdict"] for clause in report["clauses"]}


def test_a_small_hypervisor_reaches_the_core(author: Author) -> None:
    status, report = author.report()
    assert status == 0, [clause for clause in report["clauses"] if clause["verdict"] == "failed"]
    assert (report["subject"], report["level"], report["failed"]) == ("test_tinyhv.py::TestTiny", "core", 0)
    assert report["levels"]["core"]["implemented"] == report["levels"]["core"]["clauses"] > 80
    assert report["levels"]["migration"]["implemented"] == 0
    [pause] = [clause for clause in report["clauses"] if clause["id"] == "pause-is-seen"]
    assert pause["verdict"] == "declared unsupported"
    assert pause["reason"] == "tiny does not implement it"
    numbers = ", ".join(f"{level} {n['implemented']} of {n['clauses']}" for level, n in report["levels"].items())
    assert f"Reached: level core ({numbers})." in PAGE.read_text("utf-8")


def test_the_table_is_markdown_and_all_that_is_printed(author: Author) -> None:
    words = ("test_tinyhv.py::TestTiny", "--", "-k", "test_start or test_plan")
    status, output, errors = author.run("hvcore.testing.conformance", *words)
    assert status == 1
    lines = output.splitlines()
    assert lines[0] == "## Conformance of test_tinyhv.py::TestTiny"
    assert re.fullmatch(
        r"Reached: level none \(core \d+ of \d+, full \d+ of \d+, migration 0 of \d+\); \d+ did not run\.", lines[2]
    )
    assert {line.count(" | ") for line in lines[4:]} == {3}
    assert {len(line) for line in lines[4:]} == {len(lines[4])}
    assert "passed" in errors


def test_pytest_alone_sums_up_in_a_line_and_skips_nothing(author: Author) -> None:
    status, output, _ = author.run("pytest", "-q", "-k", "test_start or test_plan")
    assert status == 0
    assert re.search(
        r"^test_tinyhv\.py::TestTiny: level none \(core \d+ of \d+, .*; \d+ did not run$", output, re.MULTILINE
    )
    assert "skipped" not in output


def test_verdicts_come_from_several_processes(author: Author) -> None:
    status, report = author.report("--", "-n", "2", "-k", "test_start or test_plan")
    assert status == 1
    found = verdicts(report)
    assert found["start-runs"] == "implemented"
    assert found["plan-touches-nothing"] == "declared unsupported"
    assert found["stop-ends"] == "failed", "it did not run"


def test_a_hypervisor_that_implements_nothing_does_not_pass(author: Author) -> None:
    author.write(hypervisor=NOTHING)
    status, report = author.report()
    assert status == 1
    assert report["level"] is None
    found = verdicts(report)
    assert found["start-runs"] == found["stop-ends"] == found["list-is-sorted"] == "failed"
    assert found["pause-is-seen"] == "declared unsupported"
    [start] = [clause for clause in report["clauses"] if clause["id"] == "start-runs"]
    assert start["reason"].startswith(
        "start-runs: level core needs it, and it is not offered: tiny does not implement it"
    )
    assert author.run("pytest", "-q", "-k", "test_start")[0] == 1


def test_a_level_that_is_required_and_not_reached_fails(author: Author) -> None:
    author.write(test=TEST.replace("plugin_address =", 'required_level = "full"\n    plugin_address ='))
    status, report = author.report("--", "-k", "pause or stop or migration")
    assert status == 1
    found = verdicts(report)
    assert found["pause-is-seen"] == found["stop-again-is-no-force"] == "failed"
    assert found["migration-arrives"] == "declared unsupported"


FOOLED = {
    "replaced": "    def test_start_runs(self): pass\n",
    "taken away": "    test_start_runs = None\n",
    "skipped": "    test_start_runs = pytest.mark.skip(HypervisorConformance.test_start_runs)\n",
    "expected to fail": "    test_start_runs = pytest.mark.xfail(HypervisorConformance.test_start_runs)\n",
}


@pytest.mark.parametrize("more", FOOLED.values(), ids=FOOLED)
def test_a_clause_that_is_kept_from_failing_has_failed(author: Author, more: str) -> None:
    author.write(test=TEST + more)
    status, report = author.report("--", "-k", "start_runs or start_lists or whole")
    assert status == 1
    assert verdicts(report)["start-runs"] == "failed"
    assert verdicts(report)["start-lists"] == "implemented"
    assert verdicts(report)["stop-ends"] == "failed", "it did not run"


def test_a_replaced_clause_fails_an_ordinary_run(author: Author) -> None:
    author.write(test=TEST + FOOLED["replaced"])
    status, output, _ = author.run("pytest", "-q", "-k", "whole")
    assert status == 1
    assert "these clauses were replaced in TestTiny: start-runs" in output


def test_a_fixture_that_fails_fails_the_clause(author: Author) -> None:
    author.write(test=TEST.replace("        host = ", "        raise OSError('no disk')\n        host = "))
    status, report = author.report("--", "-k", "test_start_runs")
    assert status == 1
    [start] = [clause for clause in report["clauses"] if clause["id"] == "start-runs"]
    assert (start["verdict"], start["reason"]) == ("failed", "OSError: no disk")


def test_nothing_to_run_is_told(author: Author) -> None:
    (author.place / "test_other.py").write_text("def test_start_runs(): pass\n")
    status, output, errors = author.run("hvcore.testing.conformance", "test_other.py", "--json")
    assert (status, output) == (2, "")
    assert "no clause was tried" in errors
