"""The steps of a start, each with its way back.

The names are what the journal and the errors call them. Every ``undo`` works from the instance's name and definition alone,
any number of times, also after half a ``do``: that is how a killed manager's start is taken back by the next one.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from hvcore.errors import InvalidInput, StateFailed
from hvcore.model.instance import BlockDevice, Instance
from hvcore.system.operation import Step
from hvcore_lxc.cgroup_manager import CgroupManager
from hvcore_lxc.container import Container
from hvcore_lxc.mounter import Mounter
from hvcore_lxc.paths import LxcPaths

__all__ = ["STEPS", "Definition", "StartSteps", "load_definition", "write_file"]

STEPS = ("state", "mount", "config", "cgroups", "container")
"""The steps in the order of a start."""


@frozen
class Definition:
    """What an instance was started with, as it is kept on disk.

    Attributes:
        instance: the definition, with every parameter filled in.
        block_devices: one per disk.
        startup_paused: whether the start was a paused one.
    """

    instance: Instance
    block_devices: tuple[BlockDevice, ...]
    startup_paused: bool = False

    def to_json(self) -> str:
        """Return it as text."""
        devices = [{"path": device.path, "uri": device.uri} for device in self.block_devices]
        data = {"instance": self.instance.to_dict(), "block_devices": devices, "startup_paused": self.startup_paused}
        return json.dumps(data, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Definition:
        """Return what ``to_json`` wrote.

        Raises:
            ValueError: it is something else.
        """
        data = json.loads(text)
        instance = Instance.from_dict(data["instance"])
        devices = tuple(
            BlockDevice(disk=disk, path=entry["path"], uri=entry["uri"])
            for disk, entry in zip(instance.disks, data["block_devices"], strict=True)
        )
        return cls(instance, devices, bool(data["startup_paused"]))


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
        if not directory.is_dir():
            return
        files = (self.paths.definition(self.name), self.paths.init_pid(self.name), directory / "journal")
        own = {path for file in files for path in (file, _draft(file))}
        # Whatever else is there could not be undone, and who comes next needs the definition for it.
        others = sorted(path.name for path in directory.iterdir() if path not in own)
        if others:
            raise StateFailed(f"{directory} is kept, since it still holds {', '.join(others)}")
        for path in own:
            path.unlink(missing_ok=True)
        directory.rmdir()

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
        _draft(config).unlink(missing_ok=True)

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


def load_definition(path: Path) -> Definition | None:
    """Return a saved definition, or None when there is none.

    Raises:
        StateFailed: it cannot be read, or is damaged.
    """
    try:
        return Definition.from_json(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, InvalidInput) as error:
        raise StateFailed(
            f"the saved definition {path} cannot be read: {error}",
            resolution="stop the instance by force; nothing else needs the file",
        ) from error


def write_file(path: Path, text: str) -> None:
    """Write a file completely or not at all.

    Raises:
        StateFailed: it cannot be written; what was there before stays.
    """
    draft = _draft(path)
    try:
        draft.write_text(text, "utf-8")
        os.replace(draft, path)
    except OSError as error:
        # What keeps the draft from being removed is what kept it from being written.
        with suppress(OSError):
            draft.unlink()
        raise StateFailed(
            f"{path} cannot be written: {error.strerror}",
            resolution=f"check free space and permissions of {path.parent.parent}",
        ) from error


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")
