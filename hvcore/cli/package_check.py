"""What is wrong with a plugin's package, found without installing it and without calling one of its hooks.

Its modules are imported, as any host would import them, and its plugins join a host of their own beside the installed
hypervisors; so every rule that a node would apply is applied here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any, cast

from attrs import asdict, evolve, frozen

from hvcore.discovery import ALL_GROUP, HYPERVISORS_GROUP, Candidate, Selection, extension_group, find_all
from hvcore.errors import InvalidInput
from hvcore.host import Host
from hvcore.model.plugins import InstalledPlugin, PluginReport
from hvcore.model.refusal import closest
from hvcore.settings import Settings

__all__ = ["PackageReport", "Problem", "check_package"]

_PREFIX = "hvcore."


@frozen
class Problem:
    """One thing that keeps a plugin from being used.

    Attributes:
        plugin: the entry point's name; "" when it is none's alone.
        reason: what is wrong, with file and line where that is known.
        resolution: what to do about it.
    """

    plugin: str
    reason: str
    resolution: str


@frozen
class PackageReport:
    """What was found in a package.

    Attributes:
        project: the distribution's name and version.
        directory: where it is.
        plugins: the plugins that could be used as they are.
        problems: what keeps the others from it.
        notes: what its author should know, though it works.
    """

    project: str
    directory: str
    plugins: tuple[InstalledPlugin, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data with stable keys, ready for JSON."""
        shown = ("group", "name", "contract", "hooks", "joined")
        return {
            "project": self.project,
            "directory": self.directory,
            "plugins": [{key: getattr(plugin, key) for key in shown} for plugin in self.plugins],
            "problems": [asdict(problem) for problem in self.problems],
            "notes": list(self.notes),
        }


def check_package(directory: Path, settings: Settings) -> PackageReport:
    """Check a package.

    Args:
        directory: where its pyproject.toml is.
        settings: those of the host that it is tried on; everything installed is allowed there.

    Raises:
        InvalidInput: there is no pyproject.toml that tells of a project.
    """
    data, project = _read_project(directory)
    name, version = str(project["name"]), str(project.get("version", ""))
    candidates = _candidates(name, f"{name} {version}".strip(), project)
    installed = [c for c in find_all() if c.project.lower().replace("_", "-") != name.lower().replace("_", "-")]
    hypervisors = [c for c in installed if c.group == HYPERVISORS_GROUP]
    problems = [*_group_problems(candidates, hypervisors), *_clashes(candidates, installed)]
    notes = _requirement_notes(project)
    with _importable(directory, data):
        host = Host(evolve(settings, selection=Selection()), (*hypervisors, *candidates))
        report = host.plugins()
    problems += (
        [
            Problem(broken.name, broken.reason, broken.resolution)
            for broken in report.broken
            if broken.distribution == candidates[0].distribution
        ]
        if candidates
        else []
    )
    ours = _ours(report, candidates)
    in_use = tuple(plugin for plugin in ours if not plugin.disabled)
    notes += [f"{plugin.name}: {note}" for plugin in in_use for note in plugin.notes]
    known = {extension_group(c.name) for c in (*hypervisors, *candidates) if c.group == HYPERVISORS_GROUP}
    notes += [
        f"{c.name}: no hypervisor {c.group.removeprefix(_PREFIX)!r} is installed here, so it could not be tried"
        for c in candidates
        if c.group not in known | {HYPERVISORS_GROUP, ALL_GROUP} and not any(p.plugin == c.name for p in problems)
    ]
    if not candidates:
        problems.append(
            Problem(
                "",
                "it has no entry point of hvcore",
                f'add one to pyproject.toml, as in [project.entry-points."{ALL_GROUP}"], or "{HYPERVISORS_GROUP}"',
            )
        )
    return PackageReport(f"{name} {version}".strip(), str(directory), in_use, tuple(problems), tuple(notes))


def _read_project(directory: Path) -> tuple[dict[str, Any], Mapping[str, Any]]:
    import tomllib

    file = directory / "pyproject.toml"
    try:
        text = file.read_text("utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read: {error.strerror}",
            key="path",
            value=str(directory),
            resolution="name the directory that holds the package's pyproject.toml",
        ) from error
    except ValueError as error:
        from hvcore.model.toml_lines import fault_line

        line = None if isinstance(error, UnicodeDecodeError) else fault_line(file.read_text("utf-8"))
        raise InvalidInput(f"it is no TOML: {error}", file=str(file), line=line, resolution="mend the file") from error
    project = data.get("project")
    if not isinstance(project, dict) or not isinstance(cast("dict[str, Any]", project).get("name"), str):
        raise InvalidInput(
            "there is no project with a name in it",
            file=str(file),
            key="project.name",
            resolution="add [project] and name",
        )
    return data, cast("dict[str, Any]", project)


def _candidates(name: str, distribution: str, project: Mapping[str, Any]) -> list[Candidate]:
    groups = cast("Mapping[str, Mapping[str, str]]", project.get("entry-points", {}))
    return [
        Candidate(group, point, distribution, name, _Load(value), value)
        for group, points in groups.items()
        if group.startswith(_PREFIX) or group == "hvcore"
        for point, value in points.items()
    ]


@frozen
class _Load:
    value: str

    def __call__(self) -> object:
        module, _, attribute = self.value.partition(":")
        return reduce(getattr, attribute.split(".") if attribute else (), importlib.import_module(module))


def _group_problems(candidates: Iterable[Candidate], hypervisors: Iterable[Candidate]) -> list[Problem]:
    """Find groups that are most likely misspelt: nothing would ever look there."""
    known = {HYPERVISORS_GROUP, ALL_GROUP}
    known |= {extension_group(c.name) for c in (*candidates, *hypervisors) if c.group == HYPERVISORS_GROUP}
    problems: list[Problem] = []
    for candidate in candidates:
        words = {group.removeprefix(_PREFIX): group for group in known}
        word = None if candidate.group in known else closest(candidate.group.removeprefix(_PREFIX), words)
        if word:
            reason = (
                f"nothing looks into the group {candidate.group!r} of {candidate.name!r}, unless it is a hypervisor's"
            )
            problems.append(Problem(candidate.name, reason, f"did you mean {words[word]}?"))
    return problems


def _clashes(candidates: Iterable[Candidate], installed: Iterable[Candidate]) -> list[Problem]:
    rivals = {(c.group, c.name): c.distribution for c in installed}
    return [
        Problem(
            c.name,
            f"{c.name!r} of {c.group} is the name of a plugin of {rivals[c.group, c.name]}, which is installed here",
            "rename the entry point: two of one name are used together nowhere",
        )
        for c in candidates
        if (c.group, c.name) in rivals
    ]


def _requirement_notes(project: Mapping[str, Any]) -> list[str]:
    wanted = [str(requirement) for requirement in project.get("dependencies", ())]
    if any(requirement.lower().replace("_", "-").startswith("hvcore") for requirement in wanted):
        return []
    return ["its dependencies do not name hvcore, so installing it alone would not bring hvcore"]


def _ours(report: PluginReport, candidates: Iterable[Candidate]) -> list[InstalledPlugin]:
    own = {(c.group, c.name, c.distribution) for c in candidates}
    return [p for p in (*report.hypervisors, *report.extensions) if (p.group, p.name, p.distribution) in own]


@contextmanager
def _importable(directory: Path, data: Mapping[str, Any]) -> Generator[None]:
    """Make a package's modules importable, and forget them afterwards; no bytecode is written beside them."""
    packages = _setting(data, "tool", "hatch", "build", "targets", "wheel", "packages") or ()
    where = _setting(data, "tool", "setuptools", "packages", "find", "where") or ()
    places = [directory / "src", *(directory / package for package in where), directory]
    places += [(directory / package).parent for package in packages]
    added = [str(place.absolute()) for place in dict.fromkeys(places) if place.is_dir()]
    path, before, wrote = list(sys.path), set(sys.modules), sys.dont_write_bytecode
    sys.path[:0] = added
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode = path, wrote
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and any(file.startswith(f"{place}/") for place in added):
                del sys.modules[name]


def _setting(data: Mapping[str, Any], *keys: str) -> Any:
    found: Any = data
    for key in keys:
        found = cast("Mapping[str, Any]", found).get(key) if isinstance(found, dict) else None
    return found
