"""Finding plugins: entry points, each loaded by itself, so that a broken one stops nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attrs import frozen

from hvcore.errors import HookConflict, HypervisorError, InvalidPlugin
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
        return self.project == _OWN_DISTRIBUTION


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
        names = {candidate.name, candidate.project}
        if names & self.denied:
            return "disabled by HVCORE_DISABLE"
        if self.allowed is not None and not candidate.is_builtin and not names & self.allowed:
            return "not in HVCORE_PLUGINS"
        return ""


def extension_group(hypervisor: str) -> str:
    """Return the group of the extensions of one hypervisor."""
    return f"hvcore.{hypervisor}"


def find_all() -> tuple[Candidate, ...]:
    """Return every entry point of hvcore's groups, sorted by group and name; nothing is imported."""
    from importlib.metadata import entry_points

    installed = entry_points()
    found: list[Candidate] = []
    for group in installed.groups:
        if not group.startswith(_GROUP_PREFIX):
            continue
        for point in installed.select(group=group):
            project = point.dist.name if point.dist else "unknown"
            version = point.dist.version if point.dist else ""
            found.append(Candidate(group, point.name, f"{project} {version}".strip(), project, point.load))
    return tuple(sorted(found, key=lambda c: (c.group, c.name, c.distribution)))


def duplicate(candidates: Iterable[Candidate]) -> HookConflict:
    """Return the error for several distributions that claim one name."""
    claims = sorted(candidates, key=lambda candidate: candidate.distribution)
    first = claims[0]
    return HookConflict(
        f"{first.name!r} of {first.group} is claimed by {' and '.join(claim.distribution for claim in claims)}",
        resolution="uninstall one of them, or name its distribution in HVCORE_DISABLE",
    )


def broken(candidate: Candidate, error: BaseException) -> BrokenPlugin:
    """Return the record of a candidate that cannot be used."""
    import traceback

    if isinstance(error, HypervisorError):
        reason = "; ".join((error.message, *error.details))
        resolution = error.resolution or ""
    else:
        reason = f"{type(error).__name__}: {error}"
        resolution = f"reinstall or update {candidate.project}, or name it in HVCORE_DISABLE"
    return BrokenPlugin(
        group=candidate.group,
        name=candidate.name,
        distribution=candidate.distribution,
        reason=reason,
        resolution=resolution,
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
            f"{candidate.name!r} of {candidate.distribution} cannot be imported: {type(error).__name__}: {error}",
            resolution=f"reinstall or update {candidate.project}, or name it in HVCORE_DISABLE",
        ) from error


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()
