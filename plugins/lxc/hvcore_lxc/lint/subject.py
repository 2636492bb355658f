"""What rules look at, and how they say what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen

from hvcore.model.lint import LintFinding, Severity
from hvcore_lxc.config_text import ConfigLine, ConfigText
from hvcore_lxc.lint.facts import NodeFacts

__all__ = ["Rule", "Subject"]


@frozen
class Subject:
    """One file, and the node it is meant for.

    Attributes:
        config: its lines.
        file: what it is called.
        node: what is known of the node.
        is_included: whether another file includes it, which may set what is missing here.
    """

    config: ConfigText
    file: str
    node: NodeFacts
    is_included: bool = False

    @property
    def entries(self) -> tuple[ConfigLine, ...]:
        """The lines that set something."""
        return self.config.entries

    @property
    def includes(self) -> bool:
        """Whether it includes others, which may set what is missing here."""
        return any(line.key == "lxc.include" for line in self.entries)

    def values(self, key: str) -> tuple[str, ...]:
        """Return the values of a key, in order."""
        return tuple(line.value for line in self.entries if line.key == key)

    def about_key(
        self, line: ConfigLine, rule: str, message: str, suggestion: str = "", severity: Severity = Severity.ERROR
    ) -> LintFinding:
        """Return a finding that points at a line's key."""
        return LintFinding(
            rule, severity, message, self.file, line.number, line.key_column, line.key, line.value, suggestion
        )

    def about_value(
        self,
        line: ConfigLine,
        rule: str,
        message: str,
        suggestion: str = "",
        severity: Severity = Severity.ERROR,
        part: str = "",
    ) -> LintFinding:
        """Return a finding that points at a line's value, or at a part of it."""
        place = line.text.find(part, line.value_column - 1) + 1 if part else 0
        column = place or line.value_column
        return LintFinding(rule, severity, message, self.file, line.number, column, line.key, line.value, suggestion)


Rule = Callable[[Subject], Iterator[LintFinding]]
"""Looks at a subject and yields what breaks one group of rules."""
