"""Where instances keep what: on disk and in the cgroup tree; nothing here touches either."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from attrs import frozen

from hvcore.plugin import DriverContext

__all__ = ["Places"]


@frozen
class Places:
    """The places of one hypervisor's instances.

    Attributes:
        state_dir: holds one directory per instance; its real path, since cgroups are named after it.
        log_dir: where logs stay when their instance is gone.
    """

    state_dir: Path
    log_dir: Path

    @classmethod
    def of(cls, context: DriverContext) -> Places:
        """Return the places that belong to a driver's surroundings."""
        return cls(Path(os.path.realpath(context.state_dir)), context.log_dir)

    @property
    def parent_group(self) -> str:
        """The cgroup below which every instance's cgroup is: each state directory has one of its own."""
        return f"hvcore-{_digest(str(self.state_dir))[:8]}.nspawn"

    def group(self, name: str) -> str:
        """Return an instance's cgroup; the prefix keeps names such as ``tasks`` off the kernel's own files."""
        return f"{self.parent_group}/ct-{name}"

    def machine(self, name: str) -> str:
        """Return what systemd-nspawn calls the instance, which must be unique on the node and a host name."""
        return f"hv-{_digest(f'{self.state_dir}/{name}')[:16]}"

    def instance_dir(self, name: str) -> Path:
        """Return an instance's directory."""
        return self.state_dir / name

    def definition(self, name: str) -> Path:
        """Return the file that holds the definition as started."""
        return self.state_dir / name / "definition.json"

    def disk(self, name: str, index: int) -> Path:
        """Return the directory at which a disk is mounted; the first is the guest's root."""
        return self.state_dir / name / f"disk-{index}"

    def gate(self, name: str) -> Path:
        """Return the directory of a paused start's gate."""
        return self.state_dir / name / "gate"

    def console_log(self, name: str) -> Path:
        """Return what the guest wrote to its console, and systemd-nspawn to its own."""
        return self.log_dir / f"{name}.console.log"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
