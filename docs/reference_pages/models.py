"""The page of public values."""

from __future__ import annotations

import enum
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

import hvcore.model
from reference_pages.text import code, read_doc, table, unquoted

__all__ = ["models_page"]

_INTRO = """\
Values are frozen: `attrs.evolve` makes a changed copy. Units are in the names. What is wrong in a field raises
`hvcore.InvalidInput` with the field's dotted key. Types are written as in the code; `None` means unset or unknown.
"""

_MORE_MODULES = (
    "hvcore.plugin",
    "hvcore.context",
    "hvcore.settings",
    "hvcore.discovery",
    "hvcore.scope",
    "hvcore.spec.kinds",
    "hvcore_lxc.document",
    "hvcore.system.root_mounts",
    "hvcore_lxc.cgroup_manager",
)


def models_page() -> str:
    """Return the page of the public values, and of what an extension hands over."""
    modules = [f"hvcore.model.{found.name}" for found in pkgutil.iter_modules(hvcore.model.__path__)]
    parts = [
        "# Models\n",
        _INTRO,
    ]
    for name in (*modules, *_MORE_MODULES):
        module = import_module(name)
        kinds = [
            thing
            for word in module.__all__
            if inspect.isclass(thing := getattr(module, word)) and thing.__module__ == name
        ]
        sections = [text for kind in kinds if (text := _model(kind))]
        if sections:
            parts += [f"## {name}\n", f"{read_doc(module).summary}\n", *sections]
    return "\n".join(parts)


def _model(kind: Any) -> str:
    doc = read_doc(kind)
    head = f"### {kind.__name__}\n\n{doc.summary}\n" + (f"\n{doc.body}\n" if doc.body else "")
    if issubclass(kind, enum.Enum):
        return f"{head}\n{table(('name', 'value'), [[code(m.name), code(m.value)] for m in kind])}"
    if attrs.has(kind):
        told = doc.items("Args", "Attributes")
        rows = [
            [code(a.name), code(a.type), _default(a), told.get(a.name, "")]
            for a in attrs.fields(kind)
            if a.init and not a.name.startswith("_")
        ]
        return f"{head}\n{table(('field', 'type', 'default', 'meaning'), rows)}{_methods(kind)}"
    return f"{head}{_methods(kind)}" if getattr(kind, "_is_protocol", False) else ""


def _default(attribute: attrs.Attribute[Any]) -> str:
    default: Any = attribute.default
    if default is attrs.NOTHING:
        return "required"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # Factory is a class at run time
        made: Any = default.factory
        # What has no text of its own but an address in memory is told by its class.
        plain = inspect.isclass(made) or " at 0x" in repr(made())
        return code(f"{made().__class__.__name__}()" if plain else repr(made()))
    if inspect.isroutine(default):
        return "-"
    return code(f"{default.__class__.__name__}()" if attrs.has(default.__class__) else repr(_plain(default)))


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _methods(kind: type) -> str:
    lines: list[str] = []
    for name, member in vars(kind).items():
        function = getattr(member, "fget", None) or getattr(member, "__func__", None) or member
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        found = inspect.signature(function)
        own = [part for part in found.parameters.values() if part.name not in {"self", "cls"}]
        arguments = "" if isinstance(member, property) else f"({', '.join(map(unquoted, own))})"
        lines.append(f"- `{name}{arguments} -> {found.return_annotation}`: {read_doc(function).summary}\n")
    return f"\n{''.join(lines)}" if lines else ""
