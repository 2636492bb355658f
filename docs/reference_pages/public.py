"""What a plugin's author may import: modules, and the names that they offer."""

from __future__ import annotations

from importlib import import_module

from reference_pages.text import code, read_doc, table

__all__ = ["PUBLIC_MODULES", "public_names", "public_section"]

PUBLIC_MODULES = (
    "hvcore",
    "hvcore.aio",
    "hvcore.metrics",
    "hvcore.model.rates",
    "hvcore.plugin",
    "hvcore.errors",
    "hvcore.system",
    "hvcore_lxc.spec",
    "hvcore_chroot.spec",
    "hvcore.testing",
    "hvcore.testing.fixtures",
    "hvcore.testing.busybox",
    "hvcore.testing.leaks",
    "hvcore.testing.live",
)
"""The modules whose ``__all__`` is public; every other one may change from one release to the next."""

_INTRO = """\
## What a plugin imports

These modules are public: a name in the table keeps its place and its meaning within a major version. Everything else is
hvcore's own and may change. The plugins in [examples](../examples/README.md) use nothing but these names, which a test proves.
"""


def public_names() -> dict[str, tuple[str, ...]]:
    """Return the public names by module."""
    return {module: tuple(sorted(import_module(module).__all__, key=str.lower)) for module in PUBLIC_MODULES}


def public_section() -> str:
    """Return the section of the public modules."""
    rows = [
        [code(module), read_doc(import_module(module)).summary, ", ".join(map(code, names))]
        for module, names in public_names().items()
    ]
    return "\n".join((_INTRO, table(("module", "what it is", "names"), rows)))
