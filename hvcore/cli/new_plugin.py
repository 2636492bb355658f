"""The verb ``new-plugin``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hvcore.cli.scaffold import KINDS, plan_package, render_package, write_package
from hvcore.cli.verbs import Arguments, Command

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session

__all__ = ["COMMANDS"]


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the new distribution's name, such as hvcore-audit")
    parser.add_argument(
        "--kind", metavar="KIND", required=True, choices=KINDS, help="extension (of -H NAME, else of all) or hypervisor"
    )
    parser.add_argument("--directory", metavar="DIR", help="where to write it (default: NAME, in this directory)")


def _new_plugin(session: Session, arguments: Arguments) -> int:
    from hvcore.cli.output import print_json, say

    blueprint = plan_package(arguments.name, arguments.kind, session.wanted)
    files = render_package(blueprint)
    directory = Path(arguments.directory or arguments.name)
    write_package(files, directory)
    if session.as_json:
        print_json(
            {
                "name": blueprint.name,
                "kind": blueprint.kind,
                "package": blueprint.package,
                "group": blueprint.group,
                "directory": str(directory.absolute()),
                "files": list(files),
            }
        )
        return 0
    say(f"{directory}: a new {blueprint.kind}, {blueprint.short!r} of {blueprint.group}")
    for path in files:
        say(f"  {path}")
    say(f"next: pip install -e {directory} --group {directory}/pyproject.toml:dev; then its README.md")
    return 0


COMMANDS = {"new-plugin": Command(_configure, _new_plugin)}
