"""How far a migration is."""

from __future__ import annotations

import enum
from typing import Any

from attrs import field, frozen

from hvcore.model.validation import by, check_flag, check_integer, member

__all__ = ["MigrationState", "MigrationStatus"]

_MOST_BYTES = 2**63 - 1


class MigrationState(enum.StrEnum):
    """The phases of a migration.

    Source: Ganeti ``HV_MIGRATION_*`` and, for ``postcopy-active``, its KVM hypervisor.
    """

    ACTIVE = "active"
    POSTCOPY_ACTIVE = "postcopy-active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


def _state(value: MigrationState | str) -> MigrationState:
    return member(MigrationState, value, "status")


def _check_bytes(value: object, key: str) -> None:
    if value is not None:
        check_integer(value, key, 0, _MOST_BYTES, "bytes")


def _check_postcopy(value: object, key: str) -> None:
    if value is not None:
        check_flag(value, key)


@frozen
class MigrationStatus:
    """The state of a migration, as its source sees it.

    Args:
        status: the phase.
        transferred_bytes: bytes of memory moved so far, or None where that is not known.
        total_bytes: bytes of memory to move in all, or None.
        postcopy: whether the guest already runs on the target while memory follows; None where it does not apply.

    Raises:
        InvalidInput: the phase is unknown, or a number is negative.

    Source: Ganeti ``objects.MigrationStatus``.
    """

    status: MigrationState = field(converter=_state)
    transferred_bytes: int | None = field(default=None, validator=by(_check_bytes))
    total_bytes: int | None = field(default=None, validator=by(_check_bytes))
    postcopy: bool | None = field(default=None, validator=by(_check_postcopy))

    @property
    def is_active(self) -> bool:
        """Whether it still goes on and must be asked about again."""
        return self.status in {MigrationState.ACTIVE, MigrationState.POSTCOPY_ACTIVE}

    @property
    def has_failed(self) -> bool:
        """Whether it ended without success: failed or cancelled."""
        return self.status in {MigrationState.FAILED, MigrationState.CANCELLED}

    @property
    def progress(self) -> float | None:
        """The part that is moved, 0 to 1; None where the numbers are not known or the total is 0."""
        if self.transferred_bytes is None or not self.total_bytes:
            return None
        # Pages that the guest writes again are moved again, so more than the total may have been moved.
        return min(1.0, self.transferred_bytes / self.total_bytes)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and the progress as plain data with stable keys, ready for JSON."""
        return {
            "status": self.status.value,
            "transferred_bytes": self.transferred_bytes,
            "total_bytes": self.total_bytes,
            "postcopy": self.postcopy,
            "progress": self.progress,
        }
