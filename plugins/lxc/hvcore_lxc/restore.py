"""Making lost files of a running instance again, and naming what there is to recover."""

from __future__ import annotations

from pathlib import Path

from hvcore.model.instance import BlockDevice, Instance
from hvcore_lxc.lifecycle import Lifecycle
from hvcore_lxc.paths import LxcPaths
from hvcore_lxc.steps import Definition, write_file

__all__ = ["known_names", "restore"]


def restore(lifecycle: Lifecycle, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> None:
    """Write the definition and the configuration of a running instance again.

    Raises:
        NotRunning: it does not run.
        StateFailed: a file cannot be written.
    """
    lifecycle.require_running(instance.name)
    definition = Definition(instance, block_devices)
    lifecycle.paths.instance_dir(instance.name).mkdir(mode=0o750, parents=True, exist_ok=True)
    write_file(lifecycle.paths.definition(instance.name), definition.to_json())
    write_file(lifecycle.paths.config(instance.name), lifecycle.config_text(definition))


def known_names(paths: LxcPaths, locks: Path) -> tuple[str, ...]:
    """Return the names of all instances that have a directory, or the lock of a manager that was killed, sorted.

    Args:
        paths: where instances keep what.
        locks: the directory of the instances' locks.
    """
    names: set[str] = set()
    for directory, is_wanted in ((paths.lxcpath, Path.is_dir), (locks, Path.is_file)):
        if directory.is_dir():
            names |= {entry.name for entry in directory.iterdir() if is_wanted(entry) and entry.name[0] != "."}
    return tuple(sorted(names))
