"""The definition of an instance as it was started, kept on disk for whoever stops it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from attrs import frozen

from hvcore import BlockDevice, Instance, InvalidInput
from hvcore.errors import StateFailed

__all__ = ["Definition"]


@frozen
class Definition:
    """What an instance was started with.

    Attributes:
        instance: the definition, with every parameter filled in.
        block_devices: one per disk.
    """

    instance: Instance
    block_devices: tuple[BlockDevice, ...]

    def save(self, path: Path) -> None:
        """Write it, completely or not at all."""
        data = {"instance": self.instance.to_dict(), "paths": [device.path for device in self.block_devices]}
        draft = path.with_name(f".{path.name}.new")
        draft.write_text(json.dumps(data), "utf-8")
        os.replace(draft, path)

    @classmethod
    def load(cls, path: Path) -> Definition | None:
        """Return what was saved, or None when there is nothing.

        Raises:
            StateFailed: it cannot be read.
        """
        try:
            data = json.loads(path.read_text("utf-8"))
            instance = Instance.from_dict(data["instance"])
            pairs = zip(instance.disks, data["paths"], strict=True)
            return cls(instance, tuple(BlockDevice(disk, place) for disk, place in pairs))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, InvalidInput) as error:
            raise StateFailed(
                f"the saved definition {path} cannot be read: {error}", resolution="stop the instance by force"
            ) from error
