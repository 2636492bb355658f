"""What a hypervisor can do."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Capability", "Support", "refine"]


class Support(enum.StrEnum):
    """How far an operation is supported."""

    YES = "yes"
    LIMITED = "limited"
    NO = "no"


_WORST_FIRST = (Support.NO, Support.LIMITED, Support.YES)


@frozen
class Capability:
    """One operation of the contract.

    Attributes:
        operation: the verb, such as ``pause_instance``.
        support: yes, limited or no.
        reason: why it is limited or missing; "" when it is supported.
        remedy: what to do about it; "" when there is nothing to do.
    """

    operation: str
    support: Support
    reason: str = ""
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON."""
        return {**asdict(self), "support": self.support.value}


def refine(capability: Capability, limits: Iterable[Capability]) -> Capability:
    """Return what remains of an operation under all the limits that concern it.

    Args:
        capability: the operation as it would be without them.
        limits: limits of any operations; those of others have no effect.

    Returns:
        The operation with the worst support of all, and every reason and remedy for just that.
    """
    concerned = [capability, *(limit for limit in limits if limit.operation == capability.operation)]
    worst = next(support for support in _WORST_FIRST if any(each.support is support for each in concerned))
    decisive = [each for each in concerned if each.support is worst]
    return Capability(
        capability.operation,
        worst,
        "; ".join(dict.fromkeys(each.reason for each in decisive if each.reason)),
        "; ".join(dict.fromkeys(each.remedy for each in decisive if each.remedy)),
    )
