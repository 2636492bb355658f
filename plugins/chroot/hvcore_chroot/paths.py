"""Where an instance keeps what: on disk and in the cgroup tree."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import frozen

from hvcore.context import DriverContext

__all__ = ["ROOT", "ChrootPaths"]

ROOT = "rootfs"
"""The name of the directory, in an instance's own, at which its root appears."""

_DEFAULT_STATE_DIR = "/run/hvcore/chroot"


@frozen
class ChrootPaths:
    """The places of one hypervisor's instances.

    Attributes:
        state_dir: the directory that holds one directory per instance, without symbolic links: as the kernel prints it.
        log_dir: where logs stay when their instance is gone.
        tag: distinguishes the cgroups of several state directories on one node; "" for the default one.
    """

    state_dir: Path
    log_dir: Path
    tag: str

    @classmethod
    def of(cls, context: DriverContext) -> ChrootPaths:
        """Return the places that belong to a driver's state directory."""
        state_dir = Path(os.path.realpath(context.state_dir))
        return cls(state_dir, context.log_dir, "" if str(state_dir) == _DEFAULT_STATE_DIR else _digest(str(state_dir)))

    @property
    def group_parent(self) -> str:
        """The cgroup below which every instance's cgroup is, relative to the root of the hierarchy."""
        return f"hvcore-{self.tag}.chroot" if self.tag else "hvcore.chroot"

    def group(self, name: str) -> str:
        """Return the cgroup of an instance; the prefix keeps names such as ``tasks`` off the kernel's own files."""
        return f"{self.group_parent}/ct-{name}"

    def instance_dir(self, name: str) -> Path:
        """Return an instance's directory."""
        return self.state_dir / name

    def definition(self, name: str) -> Path:
        """Return the file that holds the definition as started."""
        return self.state_dir / name / "definition.json"

    def journal(self, name: str) -> Path:
        """Return the file that holds what was begun."""
        return self.state_dir / name / "journal"

    def root(self, name: str) -> Path:
        """Return the directory at which the root appears."""
        return self.state_dir / name / ROOT

    def console_log(self, name: str) -> Path:
        """Return what the script, and what it started, wrote."""
        return self.log_dir / f"{name}.console.log"


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]
