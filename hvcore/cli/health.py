"""The verb ``verify``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from hvcore.cli.terminal import clean, paint, use_colour, width
from hvcore.cli.verbs import Arguments, Command, no_arguments
from hvcore.errors import HypervisorError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hvcore.cli.session import Session
    from hvcore.model.capability import Capability
    from hvcore.model.verify import VerifyReport

__all__ = ["COMMANDS"]

_COLOURS = {"healthy": "green", "unhealthy": "red", "undetected": "yellow", "failed": "red"}
_MARKS = {"ok": "green", "not ok": "red", "limited": "yellow", "no": "dim"}
_MARK_COLUMNS = max(map(len, _MARKS))
_LINE_COLUMNS = 110


def _verify(session: Session, _: Arguments) -> int:
    from hvcore.cli.output import print_json

    with session.working("verifying"):
        answers = dict(session.ask_each(lambda hypervisor: hypervisor.verify()))
        abilities = dict(session.ask_each(lambda hypervisor: hypervisor.capabilities()))
    reports = [_as_data(name, answer, abilities[name]) for name, answer in answers.items()]
    if session.as_json:
        print_json(reports)
    else:
        colour = use_colour(sys.stdout)
        print("\n".join(line for report in reports for line in _lines(report, colour)) or "no hypervisor is installed")
    # A hypervisor that is not there is no fault of the node, unless the user asks for that very one.
    tolerated = {"healthy"} if session.wanted else {"healthy", "undetected"}
    return 0 if all(report["status"] in tolerated for report in reports) else 1


def _as_data(
    name: str, answer: VerifyReport | HypervisorError, ability: tuple[Capability, ...] | HypervisorError
) -> dict[str, Any]:
    error = next((each for each in (answer, ability) if isinstance(each, HypervisorError)), None)
    findings: dict[str, Any] = {"findings": [], "versions": {}}
    if not isinstance(answer, HypervisorError):
        findings = answer.to_dict()
    return {
        **findings,
        "hypervisor": name,
        "status": "failed" if error else findings["status"],
        "text": str(error) if error else findings["text"],
        "capabilities": [] if isinstance(ability, HypervisorError) else [each.to_dict() for each in ability],
        "error": error.to_dict() if error else None,
    }


def _lines(report: dict[str, Any], colour: bool) -> list[str]:
    status: str = report["status"]
    found = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    head = f"{paint(report['hypervisor'], 'bold', colour)}: {paint(status, _COLOURS.get(status), colour)}"
    lines = [f"{head} ({clean(found)})" if found else head]
    widest = max((width(clean(finding["name"])) for finding in report["findings"]), default=0)
    for finding in report["findings"]:
        name = clean(finding["name"])
        text = f"{name}{' ' * (widest - width(name))}  {clean(finding['detail'])}"
        remedy = "" if finding["ok"] else finding["remedy"]
        lines += _marked("ok" if finding["ok"] else "not ok", text, remedy, colour)
    lines += _abilities(report["capabilities"], colour)
    error = report["error"]
    if error:
        lines.append(f"  {clean(error['message'])}")
        if error["resolution"]:
            lines.append(f"  what to do: {clean(error['resolution'])}")
    return lines


def _abilities(capabilities: list[dict[str, Any]], colour: bool) -> list[str]:
    """How many operations are supported, and the others together with those that lack the same."""
    if not capabilities:
        return []
    groups: dict[tuple[str, str, str], list[str]] = {}
    for each in capabilities:
        groups.setdefault((each["support"], each["reason"], each["remedy"]), []).append(each["operation"])
    supported = sum(each["support"] == "yes" for each in capabilities)
    lines = [f"  {supported} of {len(capabilities)} operations without limits"]
    for (support, reason, remedy), operations in sorted(groups.items(), key=lambda group: group[0][0]):
        if support != "yes":
            lines += _marked(support, f"{clean(reason)}: {', '.join(operations)}", remedy, colour)
    return lines


def _marked(mark: str, text: str, remedy: str, colour: bool) -> Iterable[str]:
    import textwrap

    indent = " " * (_MARK_COLUMNS + 4)
    first, *further = textwrap.wrap(text, _LINE_COLUMNS - len(indent), break_long_words=False, break_on_hyphens=False)
    padding = " " * (_MARK_COLUMNS - len(mark))
    yield f"  {paint(mark, _MARKS[mark], colour)}{padding}  {first}"
    yield from (indent + line for line in further)
    if remedy:
        yield f"{indent}what to do: {clean(remedy)}"


COMMANDS = {"verify": Command(no_arguments, _verify)}
