"""The page of the clauses of the conformance suite."""

from __future__ import annotations

import inspect

from hvcore.testing.conformance import HypervisorConformance, Level, clauses_of
from reference_pages.text import code, table

__all__ = ["conformance_page"]

_INTRO = """\
The contract in plain words: what `hvcore.testing.HypervisorConformance` tries on a hypervisor, clause by clause. Where an
operation that a clause needs is declared unsupported, so is the clause. [How to use the suite](../how-to/conformance.md).
"""


def conformance_page() -> str:
    """Return the page of every clause."""
    clauses = clauses_of(HypervisorConformance)
    numbers = [[code(level), str(sum(clause.level is level for clause in clauses))] for level in Level]
    parts = ["# Conformance\n", _INTRO, table(("level", "clauses"), [*numbers, ["all", str(len(clauses))]])]
    for domain in HypervisorConformance.__bases__:
        rows = [
            [
                code(clause.id),
                clause.text,
                code(clause.level),
                ", ".join(map(code, clause.operations)) or "-",
                clause.source,
            ]
            for clause in clauses_of(domain)
        ]
        parts += [
            f"## {(inspect.getdoc(domain) or domain.__name__).removesuffix('.')}\n",
            table(("clause", "promise", "level", "operations", "source"), rows),
        ]
    return "\n".join(parts)
