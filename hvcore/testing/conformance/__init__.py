"""The conformance suite: every promise of the contract, tried on a hypervisor, with a verdict each.

Inherit ``HypervisorConformance`` in a test module; ``python -m hvcore.testing.conformance TEST`` prints the report.
"""

from __future__ import annotations

from hvcore.testing.conformance.clause import Clause, Level, Verdict, clauses_of
from hvcore.testing.conformance.elsewhere import AnotherProcess, Answer, ChildProcess
from hvcore.testing.conformance.promise import BrokenPromise
from hvcore.testing.conformance.report import Line, Report
from hvcore.testing.conformance.suite import HypervisorConformance

__all__ = [
    "AnotherProcess",
    "Answer",
    "BrokenPromise",
    "ChildProcess",
    "Clause",
    "HypervisorConformance",
    "Level",
    "Line",
    "Report",
    "Verdict",
    "clauses_of",
]
