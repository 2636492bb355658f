"""What a hypervisor found out about its own health on a node."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Finding", "VerifyReport", "VerifyStatus"]


class VerifyStatus(enum.StrEnum):
    """A hypervisor's health."""

    UNDETECTED = "undetected"
    UNHEALTHY = "unhealthy"
    HEALTHY = "healthy"


@frozen
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what it was, such as ``lxc-start``.
        ok: whether it is as it should be.
        detail: what was found, in one line.
        remedy: what to do about it; "" when there is nothing to do.
        essential: whether a failure means that the hypervisor is not there at all.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    essential: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON."""
        return {
            "name": self.name,
            "ok": self.ok,
            "detail": self.detail,
            "remedy": self.remedy,
            "essential": self.essential,
        }


def _findings(value: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(value)


def _frozen_mapping(value: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(value))


@frozen
class VerifyReport:
    """All findings of one hypervisor.

    Attributes:
        hypervisor: its name.
        findings: what was looked at, in order.
        versions: what was found in which version, such as ``kernel``: ``6.1.0``; what was not found is left out.
    """

    hypervisor: str
    findings: tuple[Finding, ...] = field(default=(), converter=_findings)
    versions: Mapping[str, str] = field(factory=dict[str, str], converter=_frozen_mapping, hash=False)

    @property
    def status(self) -> VerifyStatus:
        """Undetected when an essential finding failed, unhealthy when another did, else healthy."""
        failed = [finding for finding in self.findings if not finding.ok]
        if any(finding.essential for finding in failed):
            return VerifyStatus.UNDETECTED
        return VerifyStatus.UNHEALTHY if failed else VerifyStatus.HEALTHY

    def text(self) -> str | None:
        """Return what is wrong in one line, or None when all is fine.

        Source: Ganeti ``Verify`` and ``_FormatVerifyResults``.
        """
        failed = [finding.detail or finding.name for finding in self.findings if not finding.ok]
        return "; ".join(failed) or None

    def to_dict(self) -> dict[str, Any]:
        """Return status, text, findings and versions as plain data with stable keys, ready for JSON."""
        return {
            "hypervisor": self.hypervisor,
            "status": self.status.value,
            "text": self.text(),
            "findings": [finding.to_dict() for finding in self.findings],
            "versions": dict(self.versions),
        }
