"""Finding plugins: entry points, each loaded by itself, so that a broken one stops nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from attrs import evolve, frozen

from hvcore.errors import HookConflict, HypervisorError, InvalidPlugin, one_line
from hvcore.installed import Installed, distributions
from hvcore.installed import __file__ as installed_file

if TYPE_CHECKING:
    from hvcore.model.plugins import BrokenPlugin

__all__ = [
    "ALL_GROUP",
    "HYPERVISORS_GROUP",
    "Candidate",
    "Selection",
    "broken",
    "duplicate",
    "extension_group",
    "find_all",
    "load",
    "words_of",
]

HYPERVISORS_GROUP = "hvcore.hypervisors"
"""Entry points that name a HypervisorPlugin."""

ALL_GROUP = "hvcore.all"
"""Entry points that name an extension of every hypervisor."""

_GROUP_PREFIX = "hvcore."
_OWN_DISTRIBUTION = "hvcore"
_UNKNOWN = "unknown distribution"


class Candidate(NamedTuple):
    """An entry point that was found and not yet loaded.

    Attributes:
        group: its group.
        name: its name.
        distribution: the distribution and its version, such as ``hvcore-overlay 1.2``.
        project: the distribution's name alone.
        load: imports it; whatever it raises is the plugin's fault.
        value: what it names, as ``module:object``; "" when it is no entry point.
        is_given: whether the caller of ``hvcore.load`` handed it over.
    """

    group: str
    name: str
    distribution: str
    project: str
    load: Callable[[], object]
    value: str = ""
    is_given: bool = False

    @property
    def is_builtin(self) -> bool:
        """Whether it ships with hvcore itself."""
        return _canonical(self.project) == _OWN_DISTRIBUTION

    def is_named_in(self, words: Iterable[str]) -> bool:
        """Tell whether words name it or its distribution, in whichever spelling of the latter."""
        given = frozenset(words)
        return self.name in given or _canonical(self.project) in {_canonical(word) for word in given}


@frozen
class Selection:
    """Which plugins the operator wants.

    Attributes:
        allowed: names of plugins or distributions; None allows all, an empty set none but the built-in ones.
        denied: names of plugins or distributions that are never used, built-in or not.
        allowed_by: where ``allowed`` is written.
        denied_by: where ``denied`` is written.
    """

    allowed: frozenset[str] | None = None
    denied: frozenset[str] = frozenset()
    allowed_by: str = "HVCORE_PLUGINS"
    denied_by: str = "HVCORE_DISABLE"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], otherwise: Selection | None = None) -> Selection:
        """Read ``HVCORE_PLUGINS`` and ``HVCORE_DISABLE``: names separated by commas or blanks.

        Args:
            environment: the variables.
            otherwise: what holds where a variable is not set.
        """
        selection = otherwise or cls()
        allowed, denied = environment.get("HVCORE_PLUGINS"), environment.get("HVCORE_DISABLE")
        if allowed is not None:
            selection = evolve(selection, allowed=frozenset(words_of(allowed)), allowed_by="HVCORE_PLUGINS")
        if denied is not None:
            selection = evolve(selection, denied=frozenset(words_of(denied)), denied_by="HVCORE_DISABLE")
        return selection

    def refusal(self, candidate: Candidate) -> str:
        """Return why a candidate is not wanted; "" when it is."""
        if candidate.is_named_in(self.denied):
            return f"disabled by {self.denied_by}"
        if self.allowed is not None and not candidate.is_builtin and not candidate.is_named_in(self.allowed):
            return f"not in {self.allowed_by}"
        return ""


def extension_group(hypervisor: str) -> str:
    """Return the group of the extensions of one hypervisor."""
    return f"hvcore.{hypervisor}"


def find_all() -> tuple[Candidate, ...]:
    """Return every entry point of hvcore's groups, sorted by group and name; nothing is imported.

    Each distribution is looked at by itself. One whose list of entry points cannot be read stands among the extensions
    of all hypervisors, where the attempt to load it tells why.
    """
    found: list[Candidate] = []
    seen: set[str] = set()
    for distribution in distributions():
        candidates = _candidates_of(distribution)
        projects = {_canonical(candidate.project) for candidate in candidates} - {_canonical(_UNKNOWN)}
        # Of a distribution that is on the path twice, Python imports the first.
        if projects.isdisjoint(seen):
            found += candidates
        seen |= projects
    return tuple(sorted(found, key=lambda c: (c.group, c.name, c.distribution)))


def _candidates_of(distribution: Installed) -> list[Candidate]:
    try:
        # Most distributions are none of ours; they are neither parsed nor asked for their name.
        if f"[{_GROUP_PREFIX}" not in (distribution.read_text("entry_points.txt") or ""):
            return []
        project, version = _project_of(distribution)
        points = [point for point in distribution.entry_points if point.group.startswith(_GROUP_PREFIX)]
    except Exception as error:  # noqa: BLE001 - what is wrong with one distribution is told of that one
        project, version = _project_of(distribution)
        return [Candidate(ALL_GROUP, project, f"{project} {version}".strip(), project, partial(_raise, error))]
    return [Candidate(p.group, p.name, f"{project} {version}".strip(), project, p.load, p.value) for p in points]


def _project_of(distribution: Installed) -> tuple[str, str]:
    try:
        return distribution.name or _UNKNOWN, distribution.version or ""
    except Exception:  # noqa: BLE001 - without readable metadata a distribution has no name, and is used all the same
        return _UNKNOWN, ""


def _raise(error: Exception) -> object:
    """Stand for the loading of entry points that could not even be read."""
    raise error


def duplicate(candidates: Iterable[Candidate]) -> HookConflict:
    """Return the error for several distributions that claim one name."""
    claims = sorted(candidates, key=lambda candidate: candidate.distribution)
    first = claims[0]
    return HookConflict(
        f"{first.name!r} of {first.group} is claimed by {' and '.join(claim.distribution for claim in claims)}",
        resolution="uninstall one of them, or name its distribution in HVCORE_DISABLE",
    )


def broken(candidate: Candidate, error: HypervisorError) -> BrokenPlugin:
    """Return the record of a candidate that cannot be used."""
    import traceback

    from hvcore.model.plugins import BrokenPlugin

    return BrokenPlugin(
        group=candidate.group,
        name=candidate.name,
        distribution=candidate.distribution,
        reason="; ".join((error.message, *error.details)),
        resolution=error.resolution or "",
        traceback="".join(traceback.format_exception(error)),
    )


def load(candidate: Candidate) -> object:
    """Import what a candidate names.

    Raises:
        InvalidPlugin: the import failed, whatever the reason; the cause is chained.
    """
    try:
        return candidate.load()
    except (Exception, SystemExit) as error:
        place = _place_of_fault(error)
        raise InvalidPlugin(
            f"{candidate.name!r} of {candidate.distribution} cannot be imported: {one_line(error)}",
            details=[f"at {place}"] if place else [],
            resolution=_remedy(candidate, error),
        ) from error


def _remedy(candidate: Candidate, error: BaseException) -> str:
    """Return what to do about a failed import."""
    module, _, attribute = candidate.value.partition(":")
    disable = "or name it in HVCORE_DISABLE"
    if isinstance(error, ModuleNotFoundError) and error.name:
        if module == error.name or module.startswith(f"{error.name}."):
            return (
                f"let the entry point {candidate.name!r} of {candidate.project} name a module that is there, {disable}"
            )
        return f"install what {candidate.project} needs: nothing installed brings the module {error.name!r}; {disable}"
    if isinstance(error, AttributeError) and attribute and error.name in attribute.split("."):
        return (
            f"let the entry point {candidate.name!r} of {candidate.project} name something that is in {module}; "
            f"there is no {attribute} in it; {disable}"
        )
    return f"reinstall or update {candidate.project}, {disable}"


def _place_of_fault(error: BaseException) -> str:
    """Return where the plugin's own code failed, as ``FILE:LINE``; "" when it never ran."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    import traceback

    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<") and frame.filename not in (__file__, installed_file)
    ]
    frames = [frame for frame in frames if "importlib" not in frame.filename]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _canonical(project: str) -> str:
    """Return a distribution's name in the one spelling that all its spellings share.

    Source: the packaging specifications, "Names and normalization".
    """
    return re.sub("[-_.]+", "-", project).lower()


def words_of(text: str) -> list[str]:
    """Return the words of a list in an environment variable: separated by commas or blanks."""
    return text.replace(",", " ").split()
