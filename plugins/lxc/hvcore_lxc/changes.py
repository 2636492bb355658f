"""What a new definition would change of a running container."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from hvcore.errors import InvalidInput, StateFailed
from hvcore.model.changes import changes_between, restart_of, with_memory
from hvcore.model.instance import BlockDevice, Instance
from hvcore.model.plan import Change, ChangePlan, Effect
from hvcore.spec.devices import DevicesSpec
from hvcore.spec.lifecycle import LifecycleSpec
from hvcore_lxc.config_text import parse
from hvcore_lxc.document import ConfigDocument
from hvcore_lxc.lifecycle import Lifecycle
from hvcore_lxc.steps import Definition, load_definition

__all__ = ["configuration_changes", "definition_changes", "plan_change"]

_OPERATIONS = (
    LifecycleSpec.balloon_instance_memory,
    DevicesSpec.hot_add_device,
    DevicesSpec.hot_del_device,
    DevicesSpec.hot_mod_device,
)


def plan_change(lifecycle: Lifecycle, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> ChangePlan:
    """Compare a definition with the running instance of its name; only looks.

    Raises:
        NotRunning: it does not run.
        StateFailed: what it was started with is lost.
    """
    name, paths, scope = instance.name, lifecycle.paths, lifecycle.context.scope
    lifecycle.require_running(name)
    known = load_definition(paths.definition(name))
    if known is None:
        raise StateFailed(f"the definition of {name} is lost", resolution="stop it and start it again")
    usage = lifecycle.cgroups.usage(name)
    running = with_memory(known.instance, usage.memory_mib if usage is not None else 0)
    operations = frozenset(operation.__name__ for operation in _OPERATIONS if scope.implements(operation))
    wanted = Definition(instance, block_devices, known.startup_paused)
    config = paths.config(name)
    before, after = _text_of(config), lifecycle.config_text(wanted)
    # The same definition may be rendered otherwise today, as after an update or with another extension.
    anew = parse(lifecycle.config_text(known))
    changes = (
        *definition_changes(Definition(running, known.block_devices), wanted, operations),
        *configuration_changes(_document_of(before, config), anew, name),
    )
    diff = _diff(before, after, str(config))
    return ChangePlan(lifecycle.context.name, name, changes, {str(config): diff} if diff else {})


def definition_changes(running: Definition, wanted: Definition, operations: frozenset[str]) -> tuple[Change, ...]:
    """Return what differs between two definitions, and between the devices behind equal disks.

    Args:
        running: the definition as it is in force.
        wanted: the new one.
        operations: the operations of the contract that can change a running instance here.
    """
    changes = changes_between(running.instance, wanted.instance, operations)
    return (*changes, *_moved_disks(running, wanted))


def configuration_changes(before: ConfigDocument, after: ConfigDocument, name: str) -> tuple[Change, ...]:
    """Return the keys in which two configurations of one definition differ."""
    keys = dict.fromkeys(entry.key for entry in (*before.entries, *after.entries))
    pairs = ((key, before.values(key), after.values(key)) for key in keys)
    return tuple(
        Change(key, "; ".join(old), "; ".join(new), Effect.RESTART, restart_of(name))
        for key, old, new in pairs
        if old != new
    )


def _moved_disks(running: Definition, wanted: Definition) -> Iterator[Change]:
    for index, (old, new) in enumerate(zip(running.block_devices, wanted.block_devices, strict=False)):
        if old.disk == new.disk and (old.path, old.uri) != (new.path, new.uri):
            how = restart_of(wanted.instance.name)
            yield Change(f"disks[{index}].device", old.path, new.path, Effect.RESTART, how)


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
    names = f"{path} (running)", f"{path} (planned)"
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")
    return "".join(f"{line}\n" for line in lines)
