"""The verdicts of one suite as a table, as JSON, and the level that they amount to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from hvcore.testing.conformance.clause import Clause, Level, Verdict

__all__ = ["Line", "Report", "make_report"]

_NOT_RUN = "it did not run"
_LONGEST_REASON = 120


@frozen
class Line:
    """One clause and how it ended.

    Attributes:
        clause: the clause.
        verdict: how it ended.
        reason: why it failed or is not supported; "" for one that is implemented.
    """

    clause: Clause
    verdict: Verdict
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the line as plain data with stable keys, ready for JSON."""
        return {
            "id": self.clause.id,
            "level": self.clause.level.value,
            "verdict": self.verdict.value,
            "text": self.clause.text,
            "reason": self.reason,
        }


@frozen
class Report:
    """All clauses of one suite.

    Attributes:
        subject: the test class, as pytest calls it.
        lines: one per clause, in the order of the suite.
    """

    subject: str
    lines: tuple[Line, ...]

    @property
    def level(self) -> Level | None:
        """The highest level of which every clause is implemented, those of lower levels included; None below core."""
        reached: Level | None = None
        for level in Level:
            done, of = self.count(level)
            if done < of:
                break
            reached = level
        return reached

    @property
    def failed(self) -> tuple[Line, ...]:
        """The lines of the clauses that failed."""
        return tuple(line for line in self.lines if line.verdict is Verdict.FAILED)

    def count(self, level: Level) -> tuple[int, int]:
        """Return how many clauses of one level are implemented, and how many there are."""
        verdicts = [line.verdict for line in self.lines if line.clause.level is level]
        return verdicts.count(Verdict.IMPLEMENTED), len(verdicts)

    def summary(self) -> str:
        """Return the level and the numbers in one line."""
        numbers = ", ".join(f"{level} {done} of {of}" for level in Level for done, of in [self.count(level)])
        absent = sum(line.reason == _NOT_RUN for line in self.failed)
        told = {"failed": len(self.failed) - absent, "did not run": absent}
        faults = "".join(f"; {count} {what}" for what, count in told.items() if count)
        return f"level {self.level or 'none'} ({numbers}){faults}"

    def text(self) -> str:
        """Return the report as Markdown: a heading, the level, and a table that is aligned for reading as it is."""
        rows = [("clause", "level", "verdict", "promise")]
        rows += [(line.clause.id, line.clause.level, _verdict(line), line.clause.text) for line in self.lines]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        table = [_row(row, widths) for row in rows]
        table.insert(1, _row(tuple("-" * width for width in widths), widths))
        return "\n".join((f"## Conformance of {self.subject}", "", f"Reached: {self.summary()}.", "", *table))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data with stable keys, ready for JSON."""
        levels = {level.value: self.count(level) for level in Level}
        return {
            "subject": self.subject,
            "level": None if self.level is None else self.level.value,
            "levels": {level: {"implemented": done, "clauses": of} for level, (done, of) in levels.items()},
            "failed": len(self.failed),
            "clauses": [line.to_dict() for line in self.lines],
        }


def make_report(subject: str, clauses: Sequence[Clause], verdicts: Mapping[str, tuple[Verdict, str]]) -> Report:
    """Return the report of one suite; a clause without a verdict has failed.

    Args:
        subject: the test class, as pytest calls it.
        clauses: every clause of the suite.
        verdicts: clause id -> its verdict and the reason.
    """
    lines = (Line(clause, *verdicts.get(clause.id, (Verdict.FAILED, _NOT_RUN))) for clause in clauses)
    return Report(subject, tuple(lines))


def _verdict(line: Line) -> str:
    reason = " ".join(line.reason.replace("|", "/").split())
    shown = reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 3]}..."
    return f"{line.verdict}: {shown}" if shown else str(line.verdict)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"
