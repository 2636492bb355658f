"""An overlay over a root that is only read, with the changes in memory.

::

    ROOT            the overlay: what the guest sees
    ROOT            a tmpfs, hidden by the overlay; it bounds the changes, and they vanish with it
    ROOT/lower      the first disk, read-only, as LXC's default mounter mounts it: a directory, a device or an image
    ROOT/upper      what the guest has changed
    ROOT/work       overlayfs's own

Everything is at or below ROOT, so ``unmount_tree`` takes all of it off, also after half a mount.

Source: Linux, Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

import os

from attrs import evolve, frozen

from hvcore.plugin import BlockDevice, Instance
from hvcore.system import run, unmount_tree
from hvcore_lxc.spec import DefaultMounter, MountAction

__all__ = ["VolatileMounter"]

_MOUNT_TIMEOUT_S = 30.0


@frozen
class VolatileMounter:
    """Mounts one instance's disks below and beside an overlay; keeps nothing but what it was made from.

    Attributes:
        instance: the definition.
        block_devices: one per disk; the first is the root, which is never written to.
        root: the directory at which the guest's root appears.
        size_mib: the memory that changes may take, in MiB.
    """

    instance: Instance
    block_devices: tuple[BlockDevice, ...]
    root: str
    size_mib: int

    @property
    def name(self) -> str:
        """What plans call it."""
        return f"volatile, {self.size_mib} MiB of changes at most"

    def plan(self) -> tuple[MountAction, ...]:
        """Return the mounts in order; what cannot be mounted is refused here, by the default mounter."""
        overlay = MountAction(f"{self.root}/lower", self.root, "overlay")
        return (*self._below.plan(), overlay, *self._beside.plan())

    def mount(self) -> None:
        """Mount the first disk read-only, the overlay over it, and the other disks as they are defined."""
        _mount("tmpfs", f"mode=755,size={self.size_mib}m", self.root)
        for name in ("lower", "upper", "work"):
            os.mkdir(f"{self.root}/{name}", 0o755)
        self._below.mount()
        # The root directory itself is the upper one's; to the guest it shall look like its own.
        status = os.stat(f"{self.root}/lower")
        os.chown(f"{self.root}/upper", status.st_uid, status.st_gid)
        os.chmod(f"{self.root}/upper", status.st_mode & 0o7777)
        layers = {f"{name}dir": _escaped(f"{self.root}/{name}") for name in ("lower", "upper", "work")}
        _mount("overlay", ",".join(f"{key}={path}" for key, path in layers.items()), self.root)
        self._beside.mount()

    def unmount(self) -> None:
        """Take everything off; idempotent, also after half a mount."""
        unmount_tree(self.root)

    @property
    def _below(self) -> DefaultMounter:
        first = tuple(evolve(device, disk=evolve(device.disk, read_only=True)) for device in self.block_devices[:1])
        return DefaultMounter(self.instance, first, f"{self.root}/lower")

    @property
    def _beside(self) -> DefaultMounter:
        return DefaultMounter(self.instance, self.block_devices, self.root, with_root=False)


def _mount(kind: str, options: str, target: str) -> None:
    # Private: the node's other mount namespaces have no business with it, and would keep it busy.
    run(["mount", "--make-private", "-t", kind, "-o", options, "volatile", target], timeout_s=_MOUNT_TIMEOUT_S)


def _escaped(path: str) -> str:
    """Protect what separates layers in overlayfs's options."""
    return path.replace("\\", "\\\\").replace(":", "\\:")
