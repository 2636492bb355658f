"""What gathers verdicts from pytest's own reports of tests, and so also from those of other processes."""

from __future__ import annotations

import pytest

from hvcore.testing.conformance.clause import MARK, Clause, Verdict
from hvcore.testing.conformance.report import Report, make_report

__all__ = ["PROPERTY", "Collector"]

PROPERTY = "conformance"
"""The property of a test's report that holds its verdict and the reason."""


class Collector:
    """A pytest plugin that gathers the verdicts of every suite of a run and sums them up at its end.

    Args:
        clauses: every clause of the suite.
    """

    def __init__(self, clauses: tuple[Clause, ...]) -> None:
        self._clauses = clauses
        self._ids = {clause.test: clause.id for clause in clauses}
        self._verdicts: dict[str, dict[str, tuple[Verdict, str]]] = {}

    @property
    def reports(self) -> tuple[Report, ...]:
        """One report per test class, and per parameter of its fixtures."""
        return tuple(make_report(subject, self._clauses, found) for subject, found in self._verdicts.items())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a test that is the trial of a clause."""
        suite, _, test = report.nodeid.rpartition("::")
        name, bracket, parameter = test.partition("[")
        if MARK not in report.keywords or name not in self._ids:
            return
        verdict = _verdict_of(report)
        if verdict is not None:
            found = self._verdicts.setdefault(suite + bracket + parameter, {})
            known = found.get(self._ids[name])
            # A test has three reports; what failed once has failed.
            if known is None or known[0] is not Verdict.FAILED:
                found[self._ids[name]] = verdict

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Sum every suite up in one line."""
        if self._verdicts:
            terminalreporter.section("conformance")
        for report in self.reports:
            terminalreporter.write_line(f"{report.subject}: {report.summary()}")


def _verdict_of(report: pytest.TestReport) -> tuple[Verdict, str] | None:
    """Return the verdict that a test's report stands for; None for a part of the test that says nothing yet."""
    if report.failed:
        return Verdict.FAILED, _reason(report)
    if report.skipped or hasattr(report, "wasxfail"):
        return Verdict.FAILED, "the test was skipped or is expected to fail"
    if report.when != "call":
        return None
    for name, value in report.user_properties:
        if name == PROPERTY and isinstance(value, str):
            verdict, _, reason = value.partition("; ")
            return Verdict(verdict), reason
    return Verdict.FAILED, "the test recorded no verdict"


def _reason(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = str(getattr(crash, "message", None) or report.longrepr).strip().splitlines()
    # The name of the exception and the clause's id are told beside it anyway.
    return lines[0].rpartition("BrokenPromise: ")[2] if lines else "the test failed"
