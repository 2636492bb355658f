"""Making lost files of a running instance again."""

from __future__ import annotations

from hvcore.model.instance import BlockDevice, Instance
from hvcore.system.definitions import Definition, write_file
from hvcore_chroot.lifecycle import Lifecycle

__all__ = ["restore"]


def restore(lifecycle: Lifecycle, instance: Instance, block_devices: tuple[BlockDevice, ...]) -> None:
    """Write the definition of a running instance again.

    Raises:
        NotRunning: it does not run.
        StateFailed: the file cannot be written.
    """
    lifecycle.require_running(instance.name)
    lifecycle.paths.instance_dir(instance.name).mkdir(mode=0o750, parents=True, exist_ok=True)
    write_file(lifecycle.paths.definition(instance.name), Definition(instance, block_devices).to_json())
