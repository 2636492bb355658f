"""A new plugin's package, made from the templates beside this file.

A template's name ends in ``.in``; ``PACKAGE`` in its path and ``@word@`` in its text stand for what belongs there.
"""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path
from typing import NamedTuple

from hvcore.discovery import ALL_GROUP, HYPERVISORS_GROUP, extension_group
from hvcore.errors import InvalidInput
from hvcore.model.refusal import shown
from hvcore.spec.versions import CONTRACT_VERSION

__all__ = ["KINDS", "Blueprint", "plan_package", "render_package", "write_package"]

KINDS = ("extension", "hypervisor")

_TEMPLATES = Path(__file__).with_name("templates")
_CONFORMANCE = Path(__file__).parents[1] / "testing" / "conformance"
_NAME = re.compile("[A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_WORD = re.compile("@([A-Za-z_]+)@")
_TAKEN = frozenset({"hvcore", "hvcore_lxc", "hvcore_chroot", "tests"})


class Blueprint(NamedTuple):
    """What a new package is called.

    Attributes:
        name: the distribution's name.
        kind: ``extension`` or ``hypervisor``.
        package: the import package.
        short: the plugin's own name, that of its entry point.
        group: the group of that entry point.
    """

    name: str
    kind: str
    package: str
    short: str
    group: str

    @property
    def words(self) -> dict[str, str]:
        """What stands for each ``@word@`` of a template."""
        hypervisor = self.group.partition(".")[2]
        return {
            "name": self.name,
            "package": self.package,
            "short": self.short,
            "group": self.group,
            "contract": CONTRACT_VERSION,
            "Class": "".join(part.capitalize() for part in self.short.split("-")),
            "scope_words": "every hypervisor of hvcore"
            if self.group == ALL_GROUP
            else f"hvcore's hypervisor {hypervisor}",
        }


def plan_package(name: str, kind: str, hypervisor: str | None = None) -> Blueprint:
    """Derive all names of a new package from the one that its author chose.

    Args:
        name: the distribution's name, such as ``hvcore-audit``.
        kind: ``extension`` or ``hypervisor``.
        hypervisor: of an extension, the hypervisor that it extends; None means all.

    Raises:
        InvalidInput: no package can be called that.
    """
    package = re.sub("[-_.]+", "_", name).lower()
    short = package.removeprefix("hvcore_").replace("_", "-")
    group = HYPERVISORS_GROUP if kind == "hypervisor" else extension_group(hypervisor or "all")
    why = ""
    if not _NAME.fullmatch(name) or len(name) > 60:
        why = "it is no name of a distribution"
    elif keyword.iskeyword(package) or package in sys.stdlib_module_names:
        why = f"{package} is a word of Python's own"
    elif package in _TAKEN or (kind == "hypervisor" and short in {"all", "hypervisors", "lxc", "chroot", "fake"}):
        why = f"{short} is taken by hvcore itself"
    if why:
        raise InvalidInput(
            f"a plugin cannot be called {shown(name)}: {why}",
            key="name",
            value=name,
            allowed="a letter, then letters, digits and hyphens, 60 characters at most",
            resolution=f"choose another name, such as hvcore-my-{kind}",
        )
    return Blueprint(name, kind, package, short, group)


def render_package(blueprint: Blueprint) -> dict[str, str]:
    """Return the text of every file of a new package by its path in it."""
    words = blueprint.words
    root = _TEMPLATES / blueprint.kind
    files: dict[str, str] = {}
    for template in sorted(root.rglob("*.in")):
        path = str(template.relative_to(root)).removesuffix(".in").replace("PACKAGE", blueprint.package)
        if path.endswith("test_conformance.py") and not _CONFORMANCE.is_dir():
            continue
        files[path] = _WORD.sub(lambda found: words[found[1]], template.read_text("utf-8"))
    return files


def write_package(files: dict[str, str], directory: Path) -> None:
    """Write a new package.

    Raises:
        InvalidInput: there is something already.
        OSError: it cannot be written.
    """
    try:
        directory.mkdir(parents=True)
    except FileExistsError as error:
        if not directory.is_dir() or any(directory.iterdir()):
            raise InvalidInput(
                f"{directory} is there already, and not empty",
                key="directory",
                value=str(directory),
                resolution="choose another name, or another place with --directory",
            ) from error
    for path, text in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
