"""CPU bandwidth, process and I/O limits for LXC containers, set at the start and changed live.

An extension of the group ``hvcore.lxc`` that stands around the cgroup manager. ``set_quota`` and ``get_quota`` work on a
running container, and so does the command ``hv-quota``.
"""

from __future__ import annotations

from hvcore_quota.extension import QuotaLimits
from hvcore_quota.live import get_quota, set_quota
from hvcore_quota.quota import IoRule, Quota

__all__ = ["IoRule", "Quota", "QuotaLimits", "extension", "get_quota", "set_quota"]

extension = QuotaLimits()
"""What the entry point ``quota`` names."""
