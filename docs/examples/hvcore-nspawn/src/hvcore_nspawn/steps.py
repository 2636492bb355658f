"""The steps of a start, each with its way back.

Every ``undo`` works from the instance's name alone, any number of times, also after half a ``do``: that is how a killed
manager's start is taken back by the next one.
"""

from __future__ import annotations

from attrs import frozen

from hvcore.errors import StateFailed
from hvcore.system import Definition, Step, remove_directory, write_file
from hvcore_nspawn.disks import Disks
from hvcore_nspawn.groups import Groups
from hvcore_nspawn.guest import Guest
from hvcore_nspawn.places import Places

__all__ = ["STEPS", "StartSteps"]

STEPS = ("state", "disks", "cgroup", "guest")
"""The steps in the order of a start."""


@frozen
class StartSteps:
    """The steps of one instance's start.

    Attributes:
        name: the instance's name.
        definition: what it is started with; None when that is lost, and steps can only be undone.
        memory_mib: the memory that it starts with, in MiB.
        places: where it keeps what.
        groups: the cgroups.
        disks: its disks.
        guest: its guest.
    """

    name: str
    definition: Definition | None
    memory_mib: int
    places: Places
    groups: Groups
    disks: Disks
    guest: Guest

    def all(self) -> tuple[Step, ...]:
        """Return every step in the order of a start."""
        return (
            Step("state", self._save, self._forget, is_record=True),
            Step("disks", self.disks.mount, self.disks.unmount),
            Step("cgroup", self._make_cgroup, lambda: self.groups.remove(self.name)),
            Step("guest", self._start, self.guest.end),
        )

    def _save(self) -> None:
        write_file(self.places.definition(self.name), self._known().to_json())

    def _forget(self) -> None:
        directory = self.places.instance_dir(self.name)
        remove_directory(directory, (self.places.definition(self.name), directory / "journal"))

    def _make_cgroup(self) -> None:
        self.groups.make(self._known().instance, self.memory_mib)

    def _start(self) -> None:
        known = self._known()
        self.guest.start(known.instance, known.startup_paused)

    def _known(self) -> Definition:
        if self.definition is None:
            raise StateFailed(f"the definition of {self.name} is lost", resolution=f"'hv stop --force {self.name}'")
        return self.definition
