"""The verb ``verify``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from hvcore.cli.terminal import clean, paint, use_colour
from hvcore.cli.verbs import Arguments, Command, no_arguments
from hvcore.errors import HypervisorError

if TYPE_CHECKING:
    from hvcore.cli.session import Session
    from hvcore.model.verify import VerifyReport

__all__ = ["COMMANDS"]

_COLOURS = {"healthy": "green", "unhealthy": "red", "undetected": "yellow", "failed": "red"}


def _verify(session: Session, _: Arguments) -> int:
    from hvcore.cli.output import print_json

    with session.working("verifying"):
        answers = dict(session.ask_each(lambda hypervisor: hypervisor.verify()))
    reports = [_as_data(name, answer) for name, answer in answers.items()]
    if session.as_json:
        print_json(reports)
    else:
        colour = use_colour(sys.stdout)
        print("\n".join(_lines(report, colour) for report in reports) or "no hypervisor is installed")
    # A hypervisor that is not there is no fault of the node, unless the user asks for that very one.
    tolerated = {"healthy"} if session.wanted else {"healthy", "undetected"}
    return 0 if all(report["status"] in tolerated for report in reports) else 1


def _as_data(name: str, answer: VerifyReport | HypervisorError) -> dict[str, Any]:
    if isinstance(answer, HypervisorError):
        return {
            "hypervisor": name,
            "status": "failed",
            "text": str(answer),
            "findings": [],
            "error": answer.to_dict(),
        }
    return {**answer.to_dict(), "error": None}


def _lines(report: dict[str, Any], colour: bool) -> str:
    status: str = report["status"]
    lines = [f"{paint(report['hypervisor'], 'bold', colour)}: {paint(status, _COLOURS.get(status), colour)}"]
    for finding in report["findings"]:
        mark = paint("ok", "green", colour) if finding["ok"] else paint("not ok", "red", colour)
        lines.append(f"  {mark}  {clean(finding['name'])}: {clean(finding['detail'])}")
        if finding["remedy"] and not finding["ok"]:
            lines.append(f"          what to do: {clean(finding['remedy'])}")
    error = report["error"]
    if error:
        lines.append(f"  {clean(error['message'])}")
        if error["resolution"]:
            lines.append(f"  what to do: {clean(error['resolution'])}")
    return "\n".join(lines)


COMMANDS = {"verify": Command(no_arguments, _verify)}
