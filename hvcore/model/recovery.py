"""What a recovery found and did."""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

__all__ = ["Recovery", "RecoveryReport"]


@frozen
class Recovery:
    """One instance that was put in order.

    Attributes:
        instance: its name.
        found: what had been left half done, in one line.
        done: what was undone or finished, in order.
        left_behind: what could not be undone.
    """

    instance: str
    found: str
    done: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = ()


@frozen
class RecoveryReport:
    """All instances that were put in order; empty when nothing had been left half done.

    Attributes:
        hypervisor: the hypervisor's name.
        recoveries: one per instance that needed it.
    """

    hypervisor: str
    recoveries: tuple[Recovery, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left behind."""
        return not any(recovery.left_behind for recovery in self.recoveries)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data with stable keys, ready for JSON."""
        return asdict(self)
