"""Finding plugins: entry points, each loaded by itself, so that a broken one stops nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from hvcore.errors import HookConflict, HypervisorError, InvalidPlugin, one_line
from hvcore.installed import Installed, distributions

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
]

HYPERVISORS_GROUP = "hvcore.hypervisors"
"""Entry points that name a HypervisorPlugin."""

ALL_GROUP = "hvcore.all"
"""Entry points that name an extension of every hypervisor."""

_GROUP_PREFIX = "hvcore."
_OWN_DISTRIBUTION = "hvcore"
_UNKNOWN = "unknown distribution"


@frozen
class Candidate:
    """An entry point that was found and not yet loaded.

    Attributes:
        group: its group.
        name: its name.
        distribution: the distribution and its version, such as ``hvcore-overlay 1.2``.
        project: the distribution's name alone.
        load: imports it; whatever it raises is the plugin's fault.
    """

    group: str
    name: str
    distribution: str
    project: str
    load: Callable[[], object]

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
    """

    allowed: frozenset[str] | None = None
    denied: frozenset[str] = frozenset()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Selection:
        """Read ``HVCORE_PLUGINS`` and ``HVCORE_DISABLE``: names separated by commas or blanks."""
        allowed = environment.get("HVCORE_PLUGINS")
        return cls(
            allowed=None if allowed is None else frozenset(_words(allowed)),
            denied=frozenset(_words(environment.get("HVCORE_DISABLE", ""))),
        )

    def refusal(self, candidate: Candidate) -> str:
        """Return why a candidate is not wanted; "" when it is."""
        if candidate.is_named_in(self.denied):
            return "disabled by HVCORE_DISABLE"
        if self.allowed is not None and not candidate.is_builtin and not candidate.is_named_in(self.allowed):
            return "not in HVCORE_PLUGINS"
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
        return [Candidate(ALL_GROUP, project, f"{project} {version}".strip(), project, _Unreadable(error))]
    return [Candidate(p.group, p.name, f"{project} {version}".strip(), project, p.load) for p in points]


def _project_of(distribution: Installed) -> tuple[str, str]:
    try:
        return distribution.name or _UNKNOWN, distribution.version or ""
    except Exception:  # noqa: BLE001 - without readable metadata a distribution has no name, and is used all the same
        return _UNKNOWN, ""


@frozen
class _Unreadable:
    """Stands for the loading of entry points that could not even be read."""

    error: Exception

    def __call__(self) -> object:
        raise self.error


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
        raise InvalidPlugin(
            f"{candidate.name!r} of {candidate.distribution} cannot be imported: {one_line(error)}",
            resolution=f"reinstall or update {candidate.project}, or name it in HVCORE_DISABLE",
        ) from error


def _canonical(project: str) -> str:
    """Return a distribution's name in the one spelling that all its spellings share.

    Source: the packaging specifications, "Names and normalization".
    """
    return re.sub("[-_.]+", "-", project).lower()


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()
