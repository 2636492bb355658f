"""The page of what a management tool calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

import hvcore
from reference_pages.public import public_section
from reference_pages.text import arguments_and_errors, code, read_doc, signature_of, table

__all__ = ["api_page"]

_INTRO = """\
What `import hvcore` offers, and at the end [what a plugin may import](#what-a-plugin-imports). Its values are in
[models.md](models.md), its errors in [errors.md](errors.md), and what each hypervisor supports in [support.md](support.md).
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
        found = _public(kind)
        rows = [[f"[{code(name)}](#{name})", read_doc(member).summary] for name, member in found.items()]
        parts.append(table(("verb", "what it does"), rows))
        parts += [_entry(name, member) for name, member in found.items()]
    parts.append(public_section())
    return "\n".join(parts)


def _public(kind: type) -> dict[str, object]:
    """Return a class's public methods and properties by name, each in the place of the class that writes it."""
    found: dict[str, object] = {}
    for home in kind.__mro__:
        inherited = {name for base in home.__mro__[1:] for name in vars(base)}
        for name in vars(home):
            member = inspect.getattr_static(kind, name)
            if name.startswith("_") or name in inherited or not isinstance(member, (FunctionType, property)):
                continue
            found[name] = member
    return found


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
