"""What differs between the definition of a running instance and a new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import evolve

from hvcore.model.instance import Instance
from hvcore.model.plan import Change, Effect

__all__ = ["LIVE_OPERATIONS", "changes_between", "restart_of", "with_memory"]

_MEMORY = "backend.memory_mib"
_BALLOON = "balloon_instance_memory"
_DEVICE_VERBS = {"added": "hot_add_device", "removed": "hot_del_device", "changed": "hot_mod_device"}

LIVE_OPERATIONS = (_BALLOON, *_DEVICE_VERBS.values())
"""The operations of the contract that change a running instance."""


def changes_between(running: Instance, wanted: Instance, operations: frozenset[str]) -> tuple[Change, ...]:
    """Return what differs between two definitions of one instance; a pure function of its arguments.

    Args:
        running: the definition as it is in force.
        wanted: the new one.
        operations: those of ``LIVE_OPERATIONS`` that the hypervisor has.
    """
    return (
        *_settings(running, wanted, operations),
        *_devices("disks", running, wanted, operations),
        *_devices("nics", running, wanted, operations),
    )


def restart_of(name: str) -> str:
    """Return how an instance is started with another definition."""
    return f"hv stop {name}, then hv start"


def with_memory(instance: Instance, memory_mib: int) -> Instance:
    """Return a definition with the memory that an instance has now, which may have changed since its start.

    Args:
        instance: the definition that it was started with.
        memory_mib: its memory now; 0 when that is not known.
    """
    if not memory_mib:
        return instance
    least = instance.memory_min_mib
    return evolve(
        instance, memory_mib=memory_mib, memory_min_mib=least if least is not None and least <= memory_mib else None
    )


def _settings(running: Instance, wanted: Instance, operations: frozenset[str]) -> Iterator[Change]:
    old, new = _flat(running), _flat(wanted)
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key, ""), new.get(key, "")
        if before == after:
            continue
        if key == _MEMORY and _BALLOON in operations:
            yield Change(key, before, after, Effect.LIVE, f"hv balloon {wanted.name} {after}")
        else:
            yield Change(key, before, after, Effect.RESTART, restart_of(wanted.name))


def _devices(kind: str, running: Instance, wanted: Instance, operations: frozenset[str]) -> Iterator[Change]:
    old, new = ([_said(device.to_dict()) for device in getattr(which, kind)] for which in (running, wanted))
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else ""
        after = new[index] if index < len(new) else ""
        if before == after:
            continue
        verb = _DEVICE_VERBS["added" if not before else "changed" if after else "removed"]
        is_root = kind == "disks" and index == 0
        if verb in operations and not is_root:
            yield Change(f"{kind}[{index}]", before, after, Effect.LIVE, verb)
        else:
            yield Change(f"{kind}[{index}]", before, after, Effect.RESTART, restart_of(wanted.name))


def _flat(instance: Instance) -> dict[str, str]:
    """Return the definition's keys as they stand in an instance file, without its devices."""
    data = instance.to_dict()
    found = {"uuid": _said(data["uuid"]), "tags": _said(data["tags"])}
    for table in ("backend", "parameters"):
        values: Mapping[str, object] = data[table]
        found |= {f"{table}.{key}": _said(value) for key, value in values.items()}
    return found


def _said(value: object) -> str:
    import json

    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
