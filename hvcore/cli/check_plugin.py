"""The verb ``check-plugin``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hvcore.cli.terminal import clean, paint, use_colour
from hvcore.cli.verbs import Arguments, Command

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.package_check import PackageReport
    from hvcore.cli.session import Session

__all__ = ["COMMANDS"]


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="the directory with the package's pyproject.toml")


def _check_plugin(session: Session, arguments: Arguments) -> int:
    from hvcore.cli.output import print_json
    from hvcore.cli.package_check import check_package

    report = check_package(Path(arguments.path), session.host.settings)
    if session.as_json:
        print_json(report.to_dict())
    else:
        print(_render(report, use_colour(sys.stdout)))
    return 1 if report.problems else 0


def _render(report: PackageReport, colour: bool) -> str:
    lines = [f"{report.project} in {report.directory}"]
    for plugin in report.plugins:
        hooks = f": {' '.join(plugin.hooks)}" if plugin.hooks else ""
        lines.append(f"  {paint('ok', 'green', colour)}  {plugin.name} of {plugin.group}{hooks}")
    for problem in report.problems:
        lines.append(f"  {paint('problem', 'red', colour)}  {clean(problem.reason)}")
        lines.append(f"    what to do: {clean(problem.resolution)}")
    lines += [f"  {paint('note', 'yellow', colour)}  {clean(note)}" for note in report.notes]
    return "\n".join(lines)


COMMANDS = {"check-plugin": Command(_configure, _check_plugin)}
