"""Where an LXC instance keeps what: on disk, in the cgroup tree and among the network devices."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import frozen

from hvcore.context import DriverContext

__all__ = ["LxcPaths"]

_DEFAULT_STATE_DIR = "/run/hvcore/lxc"


@frozen
class LxcPaths:
    """The places of one hypervisor's instances.

    Attributes:
        lxcpath: the state directory, which is also LXC's own lxcpath, so that no container made by others is ever met.
        log_dir: where logs stay when their instance is gone.
        tag: distinguishes cgroups and devices of several state directories on one node; "" for the default one.
    """

    lxcpath: Path
    log_dir: Path
    tag: str

    @classmethod
    def of(cls, context: DriverContext) -> LxcPaths:
        """Return the places that belong to a driver's state directory."""
        # LXC and the cgroups know a container by this text, so one directory must not have two names.
        lxcpath = Path(os.path.realpath(context.state_dir))
        is_default = str(lxcpath) == _DEFAULT_STATE_DIR
        return cls(lxcpath, context.log_dir, "" if is_default else _digest(str(lxcpath))[:8])

    @property
    def container_parent(self) -> str:
        """The cgroup below which every container's cgroup is, relative to the root of each hierarchy."""
        return f"hvcore-{self.tag}.lxc" if self.tag else "hvcore.lxc"

    @property
    def monitor_parent(self) -> str:
        """The cgroup below which every monitor's cgroup is."""
        return f"{self.container_parent}-monitor"

    def container_group(self, name: str) -> str:
        """Return the cgroup of a container; the prefix keeps names such as ``tasks`` off the kernel's own files."""
        return f"{self.container_parent}/ct-{name}"

    def monitor_group(self, name: str) -> str:
        """Return the cgroup of a container's monitor."""
        return f"{self.monitor_parent}/ct-{name}"

    @property
    def pivot_group(self) -> str:
        """The cgroup to which a monitor moves, so that it can remove its own; LXC never removes this one.

        Source: LXC 5.0, ``cgfsng.c``: it is called ``lxc.pivot`` and made below ``lxc.cgroup.dir.monitor.pivot``.
        """
        return f"{self.monitor_parent}/lxc.pivot"

    def instance_dir(self, name: str) -> Path:
        """Return an instance's directory."""
        return self.lxcpath / name

    def definition(self, name: str) -> Path:
        """Return the file that holds the definition as started."""
        return self.lxcpath / name / "definition.json"

    def config(self, name: str) -> Path:
        """Return the rendered configuration, where LXC looks for it."""
        return self.lxcpath / name / "config"

    def root(self, name: str) -> Path:
        """Return the directory at which the guest's root appears."""
        return self.lxcpath / name / "rootfs"

    def init_pid(self, name: str) -> Path:
        """Return the file that remembers the pid of the container's init."""
        return self.lxcpath / name / "init.pid"

    def gate(self, name: str) -> Path:
        """Return the directory of a paused start's gate."""
        return self.lxcpath / name / "gate"

    def lxc_log(self, name: str) -> Path:
        """Return LXC's log of the instance; the suffix keeps it apart from the console log of an instance ``NAME.console``."""
        return self.log_dir / f"{name}.lxc.log"

    def console_log(self, name: str) -> Path:
        """Return what the guest wrote to its console."""
        return self.log_dir / f"{name}.console.log"

    def lxc_lock(self, name: str) -> Path:
        """Return the lock file that LXC makes and never removes.

        Source: LXC 5.0, ``lxclock.c``: /run/lxc/lock/<lxcpath>/.<name> for root.
        """
        return Path(f"/run/lxc/lock{self.lxcpath}/.{name}")

    def host_device(self, name: str, index: int) -> str:
        """Return the host's end of a NIC: predictable, without clashes, at most 15 characters (IFNAMSIZ)."""
        return f"hv{_digest(f'{self.lxcpath}/{name}')[:9]}-{index}"


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
