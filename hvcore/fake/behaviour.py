"""How slow a fake instance is, and where it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvcore.model.parameters import ParameterValue

__all__ = ["LIVE", "NON_LIVE", "Behaviour"]

LIVE = "live"
NON_LIVE = "non-live"


@frozen
class Behaviour:
    """The parameters of an instance as values; an unset one behaves as its default.

    Attributes:
        start_delay_s: seconds that the guest takes to boot.
        stop_delay_s: seconds that it takes to shut down.
        refuses_shutdown: whether it ignores requests to shut down.
        fail_step: the step that fails, or "".
        slow_step: the step that takes longer, or "".
        slow_step_delay_s: seconds by which it does.
        migration_mode: ``live`` or ``non-live``.
        migration_bandwidth_mib_s: MiB per second that a migration moves; 0 moves all at once.
    """

    start_delay_s: float = 0.0
    stop_delay_s: float = 0.0
    refuses_shutdown: bool = False
    fail_step: str = ""
    slow_step: str = ""
    slow_step_delay_s: float = 0.0
    migration_mode: str = LIVE
    migration_bandwidth_mib_s: float = 0.0

    @classmethod
    def of(cls, parameters: Mapping[str, ParameterValue] | None) -> Behaviour:
        """Return what checked parameters ask for; None asks for nothing."""
        given = parameters or {}
        return cls(
            start_delay_s=_number(given.get("start_delay_s")),
            stop_delay_s=_number(given.get("stop_delay_s")),
            refuses_shutdown=given.get("refuses_shutdown") is True,
            fail_step=str(given.get("fail_step") or ""),
            slow_step=str(given.get("slow_step") or ""),
            slow_step_delay_s=_number(given.get("slow_step_delay_s")),
            migration_mode=str(given.get("migration_mode") or LIVE),
            migration_bandwidth_mib_s=_number(given.get("migration_bandwidth_mib_s")),
        )

    def delay_s(self, step: str) -> float:
        """Return by how many seconds a step takes longer than it must."""
        return self.slow_step_delay_s if self.slow_step == step else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON."""
        return asdict(self)


def _number(value: ParameterValue) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
