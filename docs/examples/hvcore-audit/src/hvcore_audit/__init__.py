"""One line of JSON per call of every hypervisor, and a policy that may refuse starts.

An extension of the group ``hvcore.all``: it joins the scope of every hypervisor, also of those that are installed later.
"""

from __future__ import annotations

from hvcore_audit.extension import Audit
from hvcore_audit.policy import Policy
from hvcore_audit.settings import AuditSettings

__all__ = ["Audit", "AuditSettings", "Policy", "extension"]

extension = Audit()
"""What the entry point ``audit`` names."""
