"""The page of what a management tool calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import hvcore
from reference_pages.text import arguments_and_errors, code, read_doc, signature_of, table

__all__ = ["api_page"]

_INTRO = """\
What `import hvcore` offers. Its values are in [models.md](models.md), its errors in [errors.md](errors.md), and what each
hypervisor supports in [support.md](support.md).
"""

_FUNCTIONS = ("load", "linux_node_info", "linux_powercycle")
_CLASSES = (hvcore.Host, hvcore.Hypervisor)


def api_page() -> str:
    """Return the page of the functions of ``hvcore`` and the verbs of its hosts and hypervisors."""
    parts = [
        "# The Python interface\n",
        _INTRO,
        "## Functions\n",
    ]
    parts += [_entry(f"hvcore.{name}", getattr(hvcore, name)) for name in _FUNCTIONS]
    for kind in _CLASSES:
        doc = read_doc(kind)
        parts.append(f"## hvcore.{kind.__name__}\n\n{doc.summary}\n")
        if doc.body:
            parts.append(f"{doc.body}\n")
        found = [entry for home in kind.__mro__ for entry in _public(home)]
        rows = [[f"[{code(name)}](#{name})", read_doc(member).summary] for name, member in found]
        parts.append(table(("verb", "what it does"), rows))
        parts += [_entry(name, member) for name, member in found]
    return "\n".join(parts)


def _public(kind: type) -> Iterator[tuple[str, object]]:
    for name, member in vars(kind).items():
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            yield name, member


def _entry(name: str, member: object) -> str:
    doc = read_doc(member)
    parts = [f"### {name}\n", f"```python\n{_written(member)}\n```\n", f"{doc.summary}\n"]
    if doc.body:
        parts.append(f"{doc.body}\n")
    if "Returns" in doc.sections:
        parts.append(f"Returns: {' '.join(doc.sections['Returns'].split())}\n")
    return "\n".join((*parts, arguments_and_errors(doc)))


def _written(member: object) -> str:
    function: Callable[..., Any] | None = member.fget if isinstance(member, property) else None
    if function is not None:
        return f"@property\n{signature_of(function)}"
    assert callable(member)
    return signature_of(member)
