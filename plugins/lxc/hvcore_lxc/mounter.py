"""Mounting an instance's disks: the mounter that LXC shares with every hypervisor whose guests have a mounted root."""

from __future__ import annotations

from hvcore.system.root_mounts import DefaultMounter, MountAction, Mounter

__all__ = ["DefaultMounter", "MountAction", "Mounter"]
