"""What a new definition would change of a running container."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from hvcore.errors import InvalidInput, StateFailed
from hvcore.model.instance import BlockDevice, Instance
from hvcore.model.plan import Change, ChangePlan, Effect
from hvcore.spec.devices import DevicesSpec
from hvcore.spec.lifecycle import LifecycleSpec
from hvcore_lxc.config_text import parse
from hvcore_lxc.document import ConfigDocument
from hvcore_lxc.lifecycle import Lifecycle
from hvcore_lxc.steps import Definition, load_definition

__all__ = ["changes_between", "configuration_changes", "plan_change"]

_MEMORY = "backend.memory_mib"
_OPERATIONS: tuple[Callable[..., Any], ...] = (
    LifecycleSpec.balloon_instance_memory,
    DevicesSpec.hot_add_device,
    DevicesSpec.hot_del_device,
    DevicesSpec.hot_mod_device,
)
_LIVE_VERBS = {"added": "hot_add_device", "removed": "hot_del_device", "changed": "hot_mod_device"}


def plan_change(lifecycle: Lifecycle, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> ChangePlan:
    """Compare a definition with the running instance of its name; only looks.

    Raises:
        NotRunning: it does not run.
        StateFailed: what it was started with is lost.
    """
    name, paths = instance.name, lifecycle.paths
    lifecycle.require_running(name)
    known = load_definition(paths.definition(name))
    if known is None:
        raise StateFailed(f"the definition of {name} is lost", resolution="stop it and start it again")
    usage = lifecycle.cgroups.usage(name)
    running = known.instance
    if usage is not None and usage.memory_mib:
        # It may have been changed since the start.
        running = evolve(running, memory_mib=usage.memory_mib, memory_min_mib=None)
        running = _with_least(running, known.instance.memory_min_mib)
    scope = lifecycle.context.scope
    operations = frozenset(operation.__name__ for operation in _OPERATIONS if scope.implements(operation))
    changes = changes_between(evolve(known, instance=running), Definition(instance, block_devices), operations)
    config = paths.config(name)
    before = _text_of(config)
    # The same definition may be rendered otherwise today, as after an update or with another extension.
    anew = parse(lifecycle.config_text(known))
    changes += configuration_changes(_document_of(before, config), anew, name)
    after = lifecycle.config_text(Definition(instance, block_devices, known.startup_paused))
    diff = _diff(before, after, str(config))
    return ChangePlan(lifecycle.context.name, name, changes, {str(config): diff} if diff else {})


def changes_between(running: Definition, wanted: Definition, operations: frozenset[str]) -> tuple[Change, ...]:
    """Return what differs between two definitions of one instance; a pure function of its arguments.

    Args:
        running: the definition as it is in force.
        wanted: the new one.
        operations: the operations of the contract that can change a running instance here.
    """
    return tuple(_changes(running, wanted, operations))


def configuration_changes(before: ConfigDocument, after: ConfigDocument, name: str) -> tuple[Change, ...]:
    """Return the keys in which two configurations of one definition differ."""
    keys = dict.fromkeys(entry.key for entry in (*before.entries, *after.entries))
    pairs = ((key, before.values(key), after.values(key)) for key in keys)
    return tuple(
        Change(key, "; ".join(old), "; ".join(new), Effect.RESTART, _restart(name))
        for key, old, new in pairs
        if old != new
    )


def _changes(running: Definition, wanted: Definition, operations: frozenset[str]) -> Iterator[Change]:
    name = wanted.instance.name
    old, new = (_flat(definition.instance) for definition in (running, wanted))
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key, ""), new.get(key, "")
        if before == after:
            continue
        if key == _MEMORY and "balloon_instance_memory" in operations:
            yield Change(key, before, after, Effect.LIVE, f"hv balloon {name} {after}")
        else:
            yield Change(key, before, after, Effect.RESTART, _restart(name))
    for kind in ("disks", "nics"):
        yield from _devices(kind, running.instance, wanted.instance, operations)
    for index, (device, other) in enumerate(zip(running.block_devices, wanted.block_devices, strict=False)):
        same_disk = running.instance.disks[index] == wanted.instance.disks[index]
        if same_disk and (device.path, device.uri) != (other.path, other.uri):
            yield Change(f"disks[{index}].device", device.path, other.path, Effect.RESTART, _restart(name))


def _devices(kind: str, running: Instance, wanted: Instance, operations: frozenset[str]) -> Iterator[Change]:
    old, new = ([json.dumps(device.to_dict()) for device in getattr(which, kind)] for which in (running, wanted))
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else ""
        after = new[index] if index < len(new) else ""
        if before == after:
            continue
        what = "added" if not before else "removed" if not after else "changed"
        is_root = kind == "disks" and index == 0
        if _LIVE_VERBS[what] in operations and not is_root:
            yield Change(f"{kind}[{index}]", before, after, Effect.LIVE, _LIVE_VERBS[what])
        else:
            yield Change(f"{kind}[{index}]", before, after, Effect.RESTART, _restart(wanted.name))


def _flat(instance: Instance) -> dict[str, str]:
    """Return the definition's keys as they stand in an instance file, without its devices."""
    data = instance.to_dict()
    found = {"uuid": _said(data["uuid"]), "tags": _said(data["tags"])}
    for table in ("backend", "parameters"):
        values: Mapping[str, object] = data[table]
        found |= {f"{table}.{key}": _said(value) for key, value in values.items()}
    return found


def _said(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _restart(name: str) -> str:
    return f"hv stop {name}, then hv start"


def _with_least(instance: Instance, memory_min_mib: int | None) -> Instance:
    fits = memory_min_mib is not None and memory_min_mib <= instance.memory_mib
    return evolve(instance, memory_min_mib=memory_min_mib) if fits else instance


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


def _document_of(text: str, path: Path) -> ConfigDocument:
    try:
        return parse(text)
    except InvalidInput as error:
        raise StateFailed(
            f"{path} is damaged on line {error.line}: {error.message}",
            resolution="stop the instance and start it again",
        ) from error


def _diff(before: str, after: str, path: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{path} (running)", f"{path} (planned)", lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)
