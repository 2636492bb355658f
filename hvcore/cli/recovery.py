"""The verb ``recover``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.cli.arguments import add_instance
from hvcore.cli.verbs import Arguments, Command
from hvcore.errors import HypervisorError

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session
    from hvcore.model.recovery import RecoveryReport

__all__ = ["COMMANDS"]


def _configure(parser: ArgumentParser) -> None:
    add_instance(parser, optional=True)


def _recover(session: Session, arguments: Arguments) -> int:
    from hvcore.cli.output import print_json, say, warn

    reports: list[RecoveryReport] = []
    failures: list[str] = []
    with session.working("recovering"):
        if arguments.name is not None:
            reports.append(session.owner(arguments.name).recover(arguments.name))
        else:
            for name, answer in session.ask_each(lambda hypervisor: hypervisor.recover()):
                if isinstance(answer, HypervisorError):
                    failures.append(f"{name} cannot recover: {answer}")
                else:
                    reports.append(answer)
    for failure in failures:
        warn(failure)
    if session.as_json:
        print_json([report.to_dict() for report in reports])
    else:
        say("\n".join(line for report in reports for line in _lines(report)) or "nothing was left half done")
    return 0 if all(report.is_clean for report in reports) and not failures else 1


def _lines(report: RecoveryReport) -> list[str]:
    lines: list[str] = []
    for recovery in report.recoveries:
        lines.append(f"{recovery.instance} ({report.hypervisor}): {recovery.found}")
        lines += [f"  done: {step}" for step in recovery.done]
        lines += [f"  left behind: {item}" for item in recovery.left_behind]
    return lines


COMMANDS = {"recover": Command(_configure, _recover)}
