"""Who is asked in which order, and what is a conflict: decided by configuration and declarations, never by installation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from hvcore.errors import HookConflict
from hvcore.member import Member, Origin
from hvcore.spec.kinds import HookDeclaration, Kind

__all__ = ["check_answerers", "command_conflict", "ordered"]


def check_answerers(
    members: Sequence[Member], declarations: Mapping[str, HookDeclaration], hypervisor: str, order: Sequence[str]
) -> None:
    """Check that no command has two answerers and no choice two extensions without an order.

    Args:
        members: everyone who joined, in the order in which they are asked.
        declarations: hook name -> what its spec declares.
        hypervisor: the scope's hypervisor, for messages.
        order: names of extensions, those asked first in front.

    Raises:
        HookConflict: naming both members and their distributions.
    """
    earlier = _asked_earlier(members, order)
    for hook, declaration in declarations.items():
        answering = [member for member in members if member.answers(hook)]
        if declaration.kind is Kind.COMMAND and len(answering) > 1:
            raise command_conflict(hypervisor, hook, answering[0], answering[1])
        if declaration.kind is Kind.CHOOSE:
            # In a list that is sorted already, neighbours that are ordered mean that all are.
            for first, second in pairwise(member for member in answering if member.origin is Origin.EXTENSION):
                if not _reaches(second.name, first.name, earlier):
                    remedy = (
                        f"give the order, as in HVCORE_ORDER={first.name},{second.name} or in the configuration file, "
                        "or declare before/after"
                    )
                    raise _conflict(hypervisor, hook, first, second, "nothing says which comes first", remedy)


def ordered(members: Sequence[Member], order: Sequence[str]) -> list[Member]:
    """Return the members in the order in which they are asked: extensions, default steps, the driver.

    Extensions are ordered by ``order`` first, then by their own before/after, and by name where neither says more; never
    by the order of installation.

    Raises:
        HookConflict: the declared orders contradict each other.
    """
    extensions = {member.name: member for member in members if member.origin is Origin.EXTENSION}
    others = sorted((m for m in members if m.origin is not Origin.EXTENSION), key=lambda m: (m.origin, m.name))
    sorter = TopologicalSorter(_asked_earlier(members, order))
    try:
        sorter.prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        raise HookConflict(
            f"the extensions' before/after go round in a circle: {' -> '.join(circle)}",
            resolution=f"give the order, as in HVCORE_ORDER={','.join(dict.fromkeys(circle))}",
        ) from error
    result: list[Member] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        result.extend(extensions[name] for name in ready)
        sorter.done(*ready)
    return result + others


def _asked_earlier(members: Sequence[Member], order: Sequence[str]) -> dict[str, set[str]]:
    """Return for each extension the names of those that must be asked before it."""
    extensions = {member.name: member for member in members if member.origin is Origin.EXTENSION}
    earlier: dict[str, set[str]] = {name: set() for name in extensions}
    configured = [name for name in dict.fromkeys(order) if name in extensions]
    for first, second in pairwise(configured):
        earlier[second].add(first)
    for member in extensions.values():
        declared = [(name, member.name) for name in member.after] + [(member.name, name) for name in member.before]
        for first, second in declared:
            # What is configured for both wins over what they declare.
            if {first, second} <= extensions.keys() and not {first, second} <= set(configured):
                earlier[second].add(first)
    return earlier


def _reaches(name: str, wanted: str, earlier: Mapping[str, set[str]]) -> bool:
    """Tell whether ``wanted`` is asked before ``name``, directly or through others."""
    reached, frontier = {name}, [name]
    while frontier:
        for following in earlier[frontier.pop()] - reached:
            reached.add(following)
            frontier.append(following)
    return wanted in reached


def command_conflict(hypervisor: str, hook: str, first: Member, second: Member) -> HookConflict:
    """Return the error for a command that two members answer."""
    return _conflict(
        hypervisor,
        hook,
        first,
        second,
        "a command has one answerer",
        "disable one of them with HVCORE_DISABLE, or write one as a wrapper: @hookimpl(wrapper=True)",
    )


def _conflict(hypervisor: str, hook: str, first: Member, second: Member, why: str, resolution: str) -> HookConflict:
    return HookConflict(
        f"{hook}: both {first.describe()} and {second.describe()} answer it, and {why}",
        hypervisor=hypervisor,
        resolution=resolution,
    )
