"""The definitions that instances were started with, as they are kept on disk, and the directory of an instance."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from hvcore.errors import InvalidInput, StateFailed
from hvcore.model.instance import BlockDevice, Instance

__all__ = ["Definition", "draft_of", "load_definition", "remove_directory", "write_file"]


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
    draft = draft_of(path)
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


def draft_of(path: Path) -> Path:
    """Return where a file is written before it takes its place."""
    return path.with_name(f".{path.name}.new")


def remove_directory(directory: Path, files: Iterable[Path]) -> None:
    """Remove an instance's directory with the files that are known to be in it, and their drafts; idempotent.

    Args:
        directory: the instance's directory.
        files: what may be in it.

    Raises:
        StateFailed: it holds something else. Nothing is removed then: who comes next needs the definition for it.
        OSError: something cannot be removed.
    """
    if not directory.is_dir():
        return
    own = {path for file in files for path in (file, draft_of(file))}
    others = sorted(path.name for path in directory.iterdir() if path not in own)
    if others:
        raise StateFailed(f"{directory} is kept, since it still holds {', '.join(others)}")
    for path in own:
        path.unlink(missing_ok=True)
    directory.rmdir()
