"""From docstrings and signatures to Markdown."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Doc", "arguments_and_errors", "code", "markdown", "read_doc", "signature_of", "table", "unquoted"]

_LONGEST_LINE = 100
_SECTION = re.compile(r"(Answered by|Args|Attributes|Returns|Raises|Sources?):(?: (.*))?")
_ITEM = re.compile(r"([A-Za-z_][\w.]*): (.*)")


class Doc(NamedTuple):
    """A docstring, taken apart.

    Attributes:
        summary: its first line.
        body: the paragraphs before the first section.
        sections: the text of every section by its name, without indentation.
    """

    summary: str
    body: str
    sections: Mapping[str, str]

    def items(self, *names: str) -> dict[str, str]:
        """Return the entries ``name: text`` of the first of these sections that there is."""
        found: dict[str, str] = {}
        last = ""
        for line in next((self.sections[name] for name in names if name in self.sections), "").splitlines():
            match = _ITEM.fullmatch(line)
            if match:
                last = match[1]
                found[last] = match[2]
            elif line.strip() and last:
                found[last] += f" {line.strip()}"
        return found


def read_doc(thing: object) -> Doc:
    """Take an object's docstring apart."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    summary = lines[0] if lines else ""
    body: list[str] = []
    sections: dict[str, list[str]] = {}
    current = body
    for line in lines[1:]:
        match = _SECTION.fullmatch(line)
        if match:
            current = sections.setdefault(match[1], [match[2]] if match[2] else [])
        else:
            current.append(line)
    texts = {name: inspect.cleandoc("\n".join(part)) for name, part in sections.items()}
    return Doc(markdown(summary), markdown("\n".join(body).strip()), {k: markdown(v) for k, v in texts.items()})


def markdown(text: str) -> str:
    """Return text of a docstring as Markdown."""
    return re.sub("``([^`]+)``", r"`\1`", text)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def code(text: object) -> str:
    """Return a word in the style of code; nothing for an empty one."""
    return f"`{text}`" if str(text) else ""


def unquoted(part: inspect.Parameter) -> str:
    """Return an argument as it is written in the code; ``inspect`` puts its annotation in quotes."""
    kind = "" if part.annotation is part.empty else f": {part.annotation}"
    equals = " = " if kind else "="
    default = "" if part.default is part.empty else f"{equals}{_shown(part.default)}"
    stars = "*" if part.kind is part.VAR_POSITIONAL else "**" if part.kind is part.VAR_KEYWORD else ""
    return f"{stars}{part.name}{kind}{default}"


def signature_of(function: Callable[..., Any], name: str | None = None) -> str:
    """Return a function's signature as Python that compiles, broken into lines where it is long."""
    found = inspect.signature(function)
    parts: list[str] = []
    for part in found.parameters.values():
        if part.kind is part.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        parts.append(unquoted(part))
    answer = "" if found.return_annotation is found.empty else f" -> {found.return_annotation}"
    head, tail = f"def {name or function.__name__}(", f"){answer}: ..."
    one_line = head + ", ".join(parts) + tail
    if len(one_line) <= _LONGEST_LINE:
        return one_line
    return "\n".join((head, *(f"    {part}," for part in parts), tail))


def arguments_and_errors(doc: Doc) -> str:
    """Return the tables of a docstring's arguments and errors."""
    parts: list[str] = []
    for title, column in (("Args", "argument"), ("Raises", "raises")):
        items = doc.items(title)
        if items:
            parts.append(table((column, "meaning"), [[code(name), text] for name, text in items.items()]))
        elif title in doc.sections:
            parts.append(f"{column.capitalize()}: {doc.sections[title]}\n")
    return "\n".join(parts)


def _shown(value: object) -> str:
    if inspect.isroutine(value):
        return "..."
    # Strings in the quotes that the formatter prefers, which looks at the code in Markdown, too.
    return json.dumps(value) if isinstance(value, str) else repr(value)
