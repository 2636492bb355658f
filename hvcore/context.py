"""What a driver is given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from hvcore.system.locks import InstanceLocks

if TYPE_CHECKING:
    from hvcore.scope import Scope
    from hvcore.system.commands import Runner
    from hvcore.system.operation import Observer
    from hvcore.system.power import PowerEffects

__all__ = ["DriverContext"]

_DEFAULT_STATE_DIR = "/run/hvcore"


def _observe_nothing(step: str, moment: str) -> None:
    """Let every step pass."""


def _runner() -> Runner:
    from hvcore.system.commands import Runner

    return Runner()


@frozen(eq=False)
class DriverContext:
    """The surroundings of one driver, all replaceable in tests.

    Attributes:
        name: the hypervisor's name.
        scope: where the driver calls its own steps; sealed by the time a verb is called.
        state_dir: the directory that holds one directory per instance.
        log_dir: the directory for logs that outlive an instance.
        locks: the instances' locks; the caller of a verb holds the instance's.
        runner: the door to other programs.
        power: the door to a node's reset.
        observer: told of every step of an operation; a fault is injected by raising from it.
    """

    name: str
    scope: Scope
    state_dir: Path
    log_dir: Path
    locks: InstanceLocks
    runner: Runner = field(factory=_runner)
    power: PowerEffects | None = None
    observer: Observer = _observe_nothing

    @property
    def events_dir(self) -> Path:
        """The directory of the hypervisor's event log; it outlives instances, and each state directory has its own."""
        state_dir = os.path.realpath(self.state_dir)
        if state_dir == f"{_DEFAULT_STATE_DIR}/{self.name}":
            return self.log_dir / "events"
        import hashlib

        return self.log_dir / f"events-{hashlib.sha256(os.fsencode(state_dir)).hexdigest()[:8]}"

    def instance_dir(self, instance_name: str) -> Path:
        """Return the directory of an instance, whether it exists or not."""
        return self.state_dir / instance_name
