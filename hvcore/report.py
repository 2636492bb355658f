"""What is installed, told from what was found and what could be loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hvcore import discovery
from hvcore.discovery import HYPERVISORS_GROUP, Candidate
from hvcore.errors import HypervisorError
from hvcore.loading import Joined, Loaded, Place, place_of
from hvcore.model.plugins import BrokenPlugin, InstalledPlugin, PluginReport
from hvcore.notices import NoticeFaults
from hvcore.settings import Settings
from hvcore.spec.versions import FIRST_CONTRACT

__all__ = ["report_plugins"]

_UNSTATED = f"it states no contract, and is taken as written for {FIRST_CONTRACT}"


def report_plugins(settings: Settings, candidates: Sequence[Candidate], load: Callable[[str], Loaded]) -> PluginReport:
    """Load every wanted hypervisor and say what is there, what is not used, and what is broken and why.

    Args:
        settings: which plugins are wanted.
        candidates: the plugins that were found.
        load: loads a hypervisor by its name.
    """
    hypervisors: list[InstalledPlugin] = []
    faults: list[BrokenPlugin] = []
    joined: dict[Place, list[tuple[str, Joined]]] = {}
    for name in sorted({c.name for c in candidates if c.group == HYPERVISORS_GROUP}):
        claims = [c for c in candidates if c.group == HYPERVISORS_GROUP and c.name == name]
        wanted = [claim for claim in claims if not settings.selection.refusal(claim)]
        hypervisors += [
            InstalledPlugin(c.group, c.name, c.distribution, disabled=settings.selection.refusal(c))
            for c in claims
            if c not in wanted
        ]
        if not wanted:
            continue
        try:
            loaded = load(name)
        except HypervisorError as error:
            faults += [discovery.broken(claim, error) for claim in wanted]
            continue
        faults += loaded.broken
        for place, found in loaded.joined.items():
            joined.setdefault(place, []).append((name, found))
        own = loaded.joined[place_of(wanted[0])]
        hypervisors.append(
            InstalledPlugin(
                wanted[0].group,
                name,
                wanted[0].distribution,
                loaded.hypervisor.summary,
                own.hooks,
                contract=own.contract,
                order=tuple(member.name for member in loaded.hypervisor.scope.members),
                notes=_notes(own),
            )
        )
    # An extension of all hypervisors may have failed alike in each.
    distinct = {(place_of(fault), fault.reason): fault for fault in faults}
    broken = {place for place, _ in distinct}
    heard = NoticeFaults(settings.state_dir).all()
    extensions = [
        _extension(c, settings, joined.get(place_of(c), []), heard.get((c.name, c.distribution), ()))
        for c in candidates
        if c.group != HYPERVISORS_GROUP and place_of(c) not in broken
    ]
    return PluginReport(tuple(hypervisors), tuple(extensions), tuple(distinct.values()))


def _extension(
    candidate: Candidate, settings: Settings, joined: Sequence[tuple[str, Joined]], heard: Sequence[str]
) -> InstalledPlugin:
    refusal = settings.selection.refusal(candidate)
    disabled = refusal or ("" if joined else "its hypervisor is not in use")
    hooks = sorted({hook for _, found in joined for hook in found.hooks})
    notes = dict.fromkeys(note for _, found in joined for note in _notes(found))
    return InstalledPlugin(
        candidate.group,
        candidate.name,
        candidate.distribution,
        hooks=tuple(hooks),
        disabled=disabled,
        contract=joined[0][1].contract if joined else None,
        joined=tuple(name for name, _ in joined),
        notes=(*notes, *heard),
    )


def _notes(found: Joined) -> tuple[str, ...]:
    return found.notes if found.contract is not None else (_UNSTATED, *found.notes)
