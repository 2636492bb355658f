"""The command that runs suites with pytest and prints their reports.

Exit status: 0 when every suite reaches at least the level core and no clause failed, 1 when not, 2 when nothing could be
run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence

import pytest

from hvcore.testing.conformance.clause import clauses_of
from hvcore.testing.conformance.collector import Collector
from hvcore.testing.conformance.report import Report
from hvcore.testing.conformance.suite import HypervisorConformance

__all__ = ["main"]


class _Arguments(argparse.Namespace):
    tests: list[str]
    json: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Run suites and print one report for each.

    Args:
        argv: the words of the command line; None takes the process's own.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m hvcore.testing.conformance",
        description="Try every clause of the contract on a hypervisor and print a table of the verdicts.",
        epilog="What follows -- is given to pytest, which writes to the error stream.",
    )
    parser.add_argument("tests", nargs="+", metavar="TEST", help="a file, a module or a class, as in FILE::CLASS")
    parser.add_argument("--json", action="store_true", help="print JSON: one object, or a list when there are several")
    words = list(sys.argv[1:] if argv is None else argv)
    end = words.index("--") if "--" in words else len(words)
    arguments = parser.parse_args(words[:end], _Arguments())
    collector = Collector(clauses_of(HypervisorConformance))
    with contextlib.redirect_stdout(sys.stderr):
        pytest.main(["-q", "--no-header", "--pyargs", *arguments.tests, *words[end + 1 :]], plugins=[collector])
    reports = collector.reports
    if not reports:
        print("no clause was tried: is there a class that inherits HypervisorConformance?", file=sys.stderr)
        return 2
    print(_as_json(reports) if arguments.json else "\n\n".join(report.text() for report in reports))
    return 1 if any(report.failed or report.level is None for report in reports) else 0


def _as_json(reports: Sequence[Report]) -> str:
    told = [report.to_dict() for report in reports]
    return json.dumps(told[0] if len(told) == 1 else told, indent=2)
