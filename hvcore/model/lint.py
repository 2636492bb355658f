"""What is wrong with a configuration file, and a configuration in today's words."""

from __future__ import annotations

import enum
from typing import Any

from attrs import asdict, frozen

__all__ = ["LintFinding", "Severity", "Translation"]


class Severity(enum.StrEnum):
    """How much a finding matters; both are to be put right."""

    ERROR = "error"
    """What is written cannot work, or has no effect."""
    WARNING = "warning"
    """What is written works, and probably not as it was meant."""


@frozen
class LintFinding:
    """One thing that is wrong with a configuration.

    Attributes:
        rule: which rule it breaks, such as ``unknown-key``; stable.
        severity: how much it matters.
        message: what is wrong, in one line.
        file: the file it stands in.
        line: the line, counted from 1.
        column: the column, counted from 1.
        key: the key; "" where there is none.
        value: the value as it is read; "" where there is none.
        suggestion: what was probably meant in place of key or value; "" where nobody knows.
    """

    rule: str
    severity: Severity
    message: str
    file: str
    line: int = 1
    column: int = 1
    key: str = ""
    value: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        meant = f"; did you mean {self.suggestion!r}?" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message}{meant} [{self.rule}]"

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain data with stable keys, ready for JSON."""
        return {**asdict(self), "severity": str(self.severity)}


@frozen
class Translation:
    """A configuration in the words of today.

    Attributes:
        text: the configuration, with its comments and in its order.
        findings: what has no equal, as errors, and what is no longer needed, as warnings; their lines are those of the
            original.
    """

    text: str
    findings: tuple[LintFinding, ...] = ()
