"""Volatile roots for LXC containers: what a guest writes is gone after its stop.

An extension of the group ``hvcore.lxc`` that answers the hook ``lxc_mounter`` for instances with ``volatile = true``.
"""

from __future__ import annotations

from hvcore_overlay.extension import Overlay

__all__ = ["Overlay", "extension"]

extension = Overlay()
"""What the entry point ``overlay`` names."""
