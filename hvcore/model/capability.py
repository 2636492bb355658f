"""What a hypervisor can do."""

from __future__ import annotations

import enum

from attrs import frozen

__all__ = ["Capability", "Support"]


class Support(enum.StrEnum):
    """How far an operation is supported."""

    YES = "yes"
    LIMITED = "limited"
    NO = "no"


@frozen
class Capability:
    """One operation of the contract.

    Attributes:
        operation: the verb, such as ``pause_instance``.
        support: yes, limited or no.
        reason: why it is limited or missing; "" when it is supported.
    """

    operation: str
    support: Support
    reason: str = ""
