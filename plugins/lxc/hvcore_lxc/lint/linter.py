"""All rules, over a file and those that it includes."""

from __future__ import annotations

import os
from collections.abc import Iterator

from hvcore.model.lint import LintFinding, Severity
from hvcore_lxc.config_text import ConfigText, read_text
from hvcore_lxc.lint.facts import NodeFacts
from hvcore_lxc.lint.rules_cgroup import cgroup_rules
from hvcore_lxc.lint.rules_files import file_rules
from hvcore_lxc.lint.rules_keys import key_rules
from hvcore_lxc.lint.rules_limits import limit_rules
from hvcore_lxc.lint.rules_lines import line_rules
from hvcore_lxc.lint.rules_net import net_rules
from hvcore_lxc.lint.rules_order import order_rules
from hvcore_lxc.lint.rules_root import root_rules
from hvcore_lxc.lint.subject import Rule, Subject

__all__ = ["RULES", "lint"]

RULES: tuple[Rule, ...] = (
    line_rules,
    key_rules,
    order_rules,
    net_rules,
    cgroup_rules,
    limit_rules,
    root_rules,
    file_rules,
)
"""Every group of rules."""


def lint(text: str, file: str, node: NodeFacts) -> tuple[LintFinding, ...]:
    """Return what is wrong with a configuration, file by file in the order of their lines.

    Args:
        text: the configuration.
        file: what it is called.
        node: the node that it is meant for.
    """
    subject = Subject(read_text(text), file, node)
    found = [*_sorted(subject)]
    for included, content in _included(subject.config, node, {os.path.abspath(file)}):
        found += _sorted(Subject(content, included, node, is_included=True))
    return tuple(found)


def _sorted(subject: Subject) -> list[LintFinding]:
    found = [finding for rule in RULES for finding in rule(subject)]
    return sorted(found, key=lambda finding: (finding.line, finding.column, finding.severity is Severity.WARNING))


def _included(config: ConfigText, node: NodeFacts, seen: set[str]) -> Iterator[tuple[str, ConfigText]]:
    """Read the files that a configuration includes, and those that they include, each once."""
    for line in config.entries:
        if line.key != "lxc.include" or not line.value:
            continue
        for path in _files_of(line.value, node):
            name = os.path.abspath(path)
            if name in seen:
                continue
            seen.add(name)
            try:
                with open(node.at(name), encoding="utf-8", errors="surrogateescape", newline="") as stream:
                    content = read_text(stream.read())
            except OSError:
                continue  # a rule tells of what is not there
            yield path, content
            yield from _included(content, node, seen)


def _files_of(path: str, node: NodeFacts) -> list[str]:
    """Return what LXC reads for an include: a file, or every file of a directory whose name ends with .conf."""
    place = node.at(os.path.abspath(path))
    if not os.path.isdir(place):
        return [path]
    return [os.path.join(path, name) for name in sorted(os.listdir(place)) if len(name) > 5 and name.endswith(".conf")]
