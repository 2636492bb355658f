"""The page of errors."""

from __future__ import annotations

import inspect

import hvcore.errors
from hvcore.errors import HypervisorError
from reference_pages.remedies import REMEDIES
from reference_pages.text import code, read_doc, table

__all__ = ["errors_page"]

_INTRO = """\
Every error that a verb raises is a `hvcore.HypervisorError`; the classes are in `hvcore.errors`. Its text is one line,
`explain()` tells the whole story, and `to_dict()` is what `hv --json` prints under `error`.
"""

_CODES = """\
A code that begins with another one is a special case of it, so `code.startswith("operation")` stays true when an error
becomes more specific. The exit status is the one that `hv` ends with. What to do is told here in general; the field
`resolution` of an error knows the case. [When a start fails](../how-to/failed-start.md) reads one line by line.
"""


def errors_page() -> str:
    """Return the page of every error."""
    tree = (inspect.getdoc(hvcore.errors) or "").partition("::\n\n")[2].partition("\n\n")[0]
    base = read_doc(HypervisorError)
    rows: list[list[str]] = []
    further: list[list[str]] = []
    for kind in _all_below(HypervisorError):
        doc = read_doc(kind)
        further += [[code(kind.__name__), code(name), text] for name, text in _further_fields(kind).items()]
        if kind.__name__ not in REMEDIES:
            raise LookupError(f"{kind.__name__} has no remedy in docs/reference_pages/remedies.py")
        remedy = REMEDIES[kind.__name__]
        rows.append([code(kind.__name__), code(kind.code), str(kind.exit_status), doc.summary, remedy])
    return "\n".join(
        (
            "# Errors\n",
            _INTRO,
            f"```text\n{inspect.cleandoc(tree)}\n```\n",
            _CODES,
            table(("error", "code", "exit status", "meaning", "what to do"), rows),
            "## The fields of every error\n",
            table(("field", "meaning"), [[code(name), text] for name, text in base.items("Args").items()]),
            "## Further fields\n",
            table(("error", "field", "meaning"), further),
        )
    )


def _all_below(kind: type[HypervisorError]) -> list[type[HypervisorError]]:
    below = [child for child in kind.__subclasses__() if child.__module__ == kind.__module__]
    return [kind, *(further for child in below for further in _all_below(child))]


def _further_fields(kind: type[HypervisorError]) -> dict[str, str]:
    lineage = [base for base in kind.__mro__ if issubclass(base, HypervisorError) and base is not HypervisorError]
    # A class without a docstring of its own would show its parent's a second time.
    told = [read_doc(base).items("Args") for base in reversed(lineage) if base.__doc__]
    return {name: text for items in told for name, text in items.items() if name != "message"}
