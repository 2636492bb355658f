"""How slow a fake instance is, and where it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hvcore.model.parameters import ParameterValue

__all__ = ["Behaviour"]


@frozen
class Behaviour:
    """The parameters of an instance as values; an unset one behaves as its default.

    Attributes:
        start_delay_s: seconds that the guest takes to boot.
        stop_delay_s: seconds that it takes to shut down.
        refuses_shutdown: whether it ignores requests to shut down.
        fail_step: the step that fails, or "".
    """

    start_delay_s: float = 0.0
    stop_delay_s: float = 0.0
    refuses_shutdown: bool = False
    fail_step: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, ParameterValue]) -> Behaviour:
        """Return what checked parameters ask for."""
        return cls(
            start_delay_s=_number(parameters.get("start_delay_s")),
            stop_delay_s=_number(parameters.get("stop_delay_s")),
            refuses_shutdown=parameters.get("refuses_shutdown") is True,
            fail_step=str(parameters.get("fail_step") or ""),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, ready for JSON."""
        return asdict(self)


def _number(value: ParameterValue) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
