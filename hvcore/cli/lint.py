"""The verb ``lint``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hvcore.cli.verbs import Arguments, Command

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from hvcore.cli.session import Session
    from hvcore.hypervisor import Hypervisor
    from hvcore.model.lint import LintFinding

__all__ = ["COMMANDS"]

_INSTANCE_FILE = ".toml"
_FOUND = 2


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="a configuration of the hypervisor's own, or an instance file (*.toml)"
    )
    parser.add_argument(
        "--translate", action="store_true", help="print the file in the words of today, and say what has no equal"
    )


def _lint(session: Session, arguments: Arguments) -> int:
    if arguments.translate:
        return _translate(session, arguments.file)
    if arguments.file.endswith(_INSTANCE_FILE):
        from hvcore.cli.lint_instance import lint_instance_file

        hypervisor, findings = lint_instance_file(session, arguments.file)
    else:
        chosen = _linter(session, "lint_configuration")
        hypervisor, findings = chosen.name, chosen.lint_configuration(_read(arguments.file), arguments.file)
    if session.as_json:
        from hvcore.cli.output import print_json

        shown = [finding.to_dict() for finding in findings]
        print_json({"file": arguments.file, "hypervisor": hypervisor, "findings": shown})
    else:
        _say(findings, arguments.file)
    return _FOUND if findings else 0


def _translate(session: Session, file: str) -> int:
    from hvcore.errors import InvalidInput
    from hvcore.model.lint import Severity

    if file.endswith(_INSTANCE_FILE):
        raise InvalidInput(
            "an instance file has nothing to translate", file=file, allowed="a configuration of the hypervisor's own"
        )
    chosen = _linter(session, "translate_configuration")
    translation = chosen.translate_configuration(_read(file), file)
    if session.as_json:
        from hvcore.cli.output import print_json

        findings = [finding.to_dict() for finding in translation.findings]
        print_json({"file": file, "hypervisor": chosen.name, "text": translation.text, "findings": findings})
    else:
        # The text alone is on stdout, so that it can be written to a file, in the very characters that were read.
        sys.stdout.flush()
        sys.stdout.buffer.write(translation.text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
        from hvcore.cli.output import warn

        for finding in translation.findings:
            warn(str(finding))
    return _FOUND if any(finding.severity is Severity.ERROR for finding in translation.findings) else 0


def _linter(session: Session, operation: str) -> Hypervisor:
    """Return the hypervisor that the user named, or the only one that knows configurations."""
    from hvcore.errors import InvalidInput, Unsupported
    from hvcore.spec.configuration import ConfigurationSpec

    spec = getattr(ConfigurationSpec, operation)
    if session.wanted:
        return session.host.hypervisor(session.wanted)
    able = [
        hv for _, hv in session.ask_each(lambda hv: hv) if not isinstance(hv, Exception) and hv.scope.implements(spec)
    ]
    if len(able) == 1:
        return able[0]
    if able:
        names = ", ".join(hypervisor.name for hypervisor in able)
        raise InvalidInput(
            "several hypervisors have configurations of their own",
            key="hypervisor",
            allowed=names,
            resolution="say whose it is with -H NAME",
        )
    raise Unsupported(
        "no installed hypervisor can judge a configuration",
        operation=operation,
        resolution="'hv plugins' shows what is installed",
    )


def _read(path: str) -> str:
    from hvcore.errors import InvalidInput
    from hvcore.model.instance_file import MAX_FILE_BYTES

    try:
        # Every byte and every end of line is kept: the linter tells of those that are wrong.
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            text = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: the path holds a null byte
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise InvalidInput(
            f"cannot read the configuration: {reason}",
            file=path if path.isprintable() else repr(path),
            allowed="a readable file",
            resolution="check the path and its permissions",
        ) from error
    if len(text) > MAX_FILE_BYTES:
        raise InvalidInput("the configuration is too large", file=path, allowed=f"at most {MAX_FILE_BYTES} bytes")
    return text


def _say(findings: tuple[LintFinding, ...], file: str) -> None:
    from hvcore.cli.output import say

    for finding in findings:
        say(str(finding))
    if findings:
        say(f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'}")
    else:
        say(f"{file}: nothing is wrong")


COMMANDS = {"lint": Command(_configure, _lint)}
