"""Seccomp, fewer capabilities and a private /tmp for LXC containers.

An extension of the group ``hvcore.lxc``: a wrapper that amends the configuration document, and a collector that appends to
it.
"""

from __future__ import annotations

from hvcore_hardening.extension import Hardening

__all__ = ["Hardening", "extension"]

extension = Hardening()
"""What the entry point ``hardening`` names."""
