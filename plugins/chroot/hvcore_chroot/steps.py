"""The steps of a start, each with its way back.

The names are what the journal and the errors call them. Every ``undo`` works from the instance's name and definition alone,
any number of times, also after half a ``do``: that is how a killed manager's start is taken back by the next one.
"""

from __future__ import annotations

from attrs import frozen

from hvcore.errors import StateFailed
from hvcore.system.definitions import Definition, remove_directory, write_file
from hvcore.system.operation import Step
from hvcore.system.root_mounts import Mounter
from hvcore_chroot.groups import Groups
from hvcore_chroot.guest import Guest
from hvcore_chroot.inside import SystemMounts
from hvcore_chroot.params import seconds
from hvcore_chroot.paths import ChrootPaths
from hvcore_chroot.script import Script

__all__ = ["STEPS", "StartSteps"]

STEPS = ("state", "mount", "system-mounts", "cgroup", "script")
"""The steps in the order of a start."""


@frozen
class StartSteps:
    """The steps of one instance's start.

    Attributes:
        definition: what it is started with; None when that is no longer known, and steps can only be undone.
        name: the instance's name.
        paths: where it keeps what.
        mounter: who mounts its disks.
        inside: what is mounted inside its root.
        groups: the instances' cgroups.
        script: its script.
    """

    definition: Definition | None
    name: str
    paths: ChrootPaths
    mounter: Mounter
    inside: SystemMounts
    groups: Groups
    script: Script

    def all(self) -> tuple[Step, ...]:
        """Return every step in the order of a start."""
        return (
            Step("state", self._save, self._forget, is_record=True),
            Step("mount", self._mount, self._unmount),
            Step("system-mounts", self.inside.mount, self.inside.unmount),
            Step("cgroup", lambda: self.groups.make(self.name), lambda: self.groups.remove(self.name)),
            Step("script", self._start, Guest(self.name, self.paths, self.groups).end),
        )

    def _save(self) -> None:
        write_file(self.paths.definition(self.name), self._known().to_json())

    def _forget(self) -> None:
        files = (self.paths.definition(self.name), self.paths.journal(self.name))
        remove_directory(self.paths.instance_dir(self.name), files)

    def _mount(self) -> None:
        self.paths.root(self.name).mkdir(mode=0o755, exist_ok=True)
        self.mounter.mount()

    def _unmount(self) -> None:
        root = self.paths.root(self.name)
        if root.is_dir():
            self.mounter.unmount()
            # Not by force: whatever is still mounted there keeps the directory, and is told.
            root.rmdir()

    def _start(self) -> None:
        known = self._known()
        if known.startup_paused:
            self.script.start_paused()
        else:
            self.script.start(seconds(known.instance.parameters.get("startup_timeout")))

    def _known(self) -> Definition:
        if self.definition is None:
            raise StateFailed(f"the definition of {self.name} is lost", resolution=f"'hv cleanup {self.name}'")
        return self.definition
