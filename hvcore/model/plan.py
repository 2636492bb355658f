"""What a start would do."""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

__all__ = ["PlanStep", "StartPlan"]


@frozen
class PlanStep:
    """One step of a plan.

    Attributes:
        name: the step, such as ``mount``.
        summary: what it does, in one line.
        details: the settings, commands or mounts it consists of, one per line.
    """

    name: str
    summary: str
    details: tuple[str, ...] = ()


@frozen
class StartPlan:
    """The steps of a start in order, and the documents they write.

    Attributes:
        hypervisor: the hypervisor's name.
        instance: the instance's name.
        steps: the steps in the order they are taken; they are undone in the opposite one.
        documents: the text of each file that would be written, by path.
        warnings: what is allowed but unwise.
    """

    hypervisor: str
    instance: str
    steps: tuple[PlanStep, ...]
    documents: dict[str, str]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data with stable keys, ready for JSON."""
        return asdict(self)
