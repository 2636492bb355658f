"""Making lost files of a running instance again."""

from __future__ import annotations

from hvcore.model.instance import BlockDevice, Instance
from hvcore_lxc.lifecycle import Lifecycle
from hvcore_lxc.steps import Definition, write_file

__all__ = ["restore"]


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
