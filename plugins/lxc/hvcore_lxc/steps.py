"""The steps of a start, each with its way back.

The names are what the journal and the errors call them. Every ``undo`` works from the instance's name and definition alone,
any number of times, also after half a ``do``: that is how a killed manager's start is taken back by the next one.
"""

from __future__ import annotations

from attrs import frozen

from hvcore.errors import StateFailed
from hvcore.system.definitions import Definition, draft_of, load_definition, remove_directory, write_file
from hvcore.system.operation import Step
from hvcore_lxc.cgroup_manager import CgroupManager
from hvcore_lxc.container import Container
from hvcore_lxc.mounter import Mounter
from hvcore_lxc.paths import LxcPaths

__all__ = ["STEPS", "Definition", "StartSteps", "load_definition", "write_file"]

STEPS = ("state", "mount", "config", "cgroups", "container")
"""The steps in the order of a start."""


@frozen
class StartSteps:
    """The steps of one instance's start.

    Attributes:
        definition: what it is started with; None when that is no longer known, and steps can only be undone.
        name: the instance's name.
        paths: where it keeps what.
        mounter: who mounts its disks.
        cgroups: who manages its cgroups.
        container: its container.
        config_text: the text of its configuration; "" when steps are only undone.
    """

    definition: Definition | None
    name: str
    paths: LxcPaths
    mounter: Mounter
    cgroups: CgroupManager
    container: Container
    config_text: str = ""

    def all(self) -> tuple[Step, ...]:
        """Return every step in the order of a start."""
        return (
            Step("state", self._save, self._forget, is_record=True),
            Step("mount", self._mount, self._unmount),
            Step("config", self._write_config, self._remove_config),
            Step("cgroups", lambda: self.cgroups.prepare(self.name), lambda: self.cgroups.destroy(self.name)),
            Step("container", self._start, self._end),
        )

    def _save(self) -> None:
        write_file(self.paths.definition(self.name), self._known().to_json())
        self.paths.log_dir.mkdir(mode=0o750, parents=True, exist_ok=True)

    def _forget(self) -> None:
        directory = self.paths.instance_dir(self.name)
        files = (self.paths.definition(self.name), self.paths.init_pid(self.name), directory / "journal")
        remove_directory(directory, files)

    def _mount(self) -> None:
        self.paths.root(self.name).mkdir(mode=0o755, exist_ok=True)
        self.mounter.mount()

    def _unmount(self) -> None:
        root = self.paths.root(self.name)
        if root.is_dir():
            self.mounter.unmount()
            # Not by force: whatever is still mounted there keeps the directory, and is told.
            root.rmdir()

    def _write_config(self) -> None:
        write_file(self.paths.config(self.name), self.config_text)

    def _remove_config(self) -> None:
        config = self.paths.config(self.name)
        config.unlink(missing_ok=True)
        draft_of(config).unlink(missing_ok=True)

    def _start(self) -> None:
        known = self._known()
        timeout_s = float(str(known.instance.parameters.get("startup_timeout") or 0))
        self.container.start(known.startup_paused, timeout_s)

    def _end(self) -> None:
        self.container.end()
        self.container.remove_traces()

    def _known(self) -> Definition:
        if self.definition is None:
            raise StateFailed(f"the definition of {self.name} is lost", resolution=f"'hv cleanup {self.name}'")
        return self.definition
