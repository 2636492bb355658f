"""Linting an instance file: the file itself, its plan, and the configuration that it would become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.errors import HypervisorError, InvalidInput, Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hvcore.cli.session import Session
    from hvcore.hypervisor import Hypervisor
    from hvcore.model.instance import Instance
    from hvcore.model.lint import LintFinding

__all__ = ["lint_instance_file"]


def lint_instance_file(session: Session, file: str) -> tuple[str, tuple[LintFinding, ...]]:
    """Return the hypervisor's name, and what is wrong with an instance file and the configuration it becomes.

    Raises:
        HypervisorError: the file cannot be read, or the hypervisor is not there.
    """
    from hvcore.cli.instance_file import read_instance

    try:
        instance = read_instance(file, session.wanted)
    except InvalidInput as error:
        if error.line is None:
            raise
        return session.wanted or "", (_finding(error, file),)
    hypervisor = session.host.hypervisor(session.wanted or instance.hypervisor)
    return hypervisor.name, tuple(_findings(hypervisor, instance, file))


def _findings(hypervisor: Hypervisor, instance: Instance, file: str) -> Iterator[LintFinding]:
    from hvcore.cli.instance_file import placing_errors
    from hvcore.spec.configuration import ConfigurationSpec

    try:
        with placing_errors(file):
            ready = hypervisor.prepare_instance(instance)
    except InvalidInput as error:
        yield _finding(error, file)
        return
    try:
        with placing_errors(file):
            hypervisor.validate_parameters(ready.parameters)
    except InvalidInput as error:
        yield _finding(error, file)
    try:
        with placing_errors(file):
            plan = hypervisor.plan_start(instance)
    except Unsupported:
        return
    except HypervisorError as error:
        # A disk that is not there, a definition that cannot be expressed: the start would end with the same words.
        yield _finding(error, file, _disk_in(error, instance, file))
        return
    if hypervisor.scope.implements(ConfigurationSpec.lint_configuration):
        for path, text in plan.documents.items():
            yield from hypervisor.lint_configuration(text, path)


def _finding(error: HypervisorError, file: str, place: tuple[str, int] = ("", 1)) -> LintFinding:
    from hvcore.model.lint import LintFinding, Severity

    key, line, value, message = (*place, "", error.message)
    if isinstance(error, InvalidInput):
        key, line = error.key or key, error.line or line
        value = "" if error.value is None else str(error.value)
        message += f"; allowed: {error.allowed}" if error.allowed else ""
    return LintFinding(error.code, Severity.ERROR, message, file, line, 1, key, value, _meant(error))


def _disk_in(error: HypervisorError, instance: Instance, file: str) -> tuple[str, int]:
    """Return the key and the line of the disk that an error speaks of."""
    from pathlib import Path

    from hvcore.model.toml_lines import line_of, locate_keys

    for index, disk in enumerate(instance.disks):
        if disk.path in error.message:
            key = f"disks[{index}].path"
            return key, line_of(locate_keys(Path(file).read_text("utf-8-sig")), key) or 1
    return "", 1


def _meant(error: HypervisorError) -> str:
    """Return the word that an error of the model asks for, as in "did you mean vcpus?"."""
    words = error.resolution or ""
    return words.removeprefix("did you mean ").removesuffix("?") if words.startswith("did you mean ") else ""
