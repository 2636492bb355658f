"""What a start would do, and what a new definition would change."""

from __future__ import annotations

import enum
from typing import Any

from attrs import asdict, field, frozen

__all__ = ["Change", "ChangePlan", "Effect", "PlanStep", "StartPlan"]


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


class Effect(enum.StrEnum):
    """When a change takes effect."""

    LIVE = "live"
    """A running instance can be changed."""
    RESTART = "restart"
    """The instance has to be stopped and started again."""


@frozen
class Change:
    """One thing in which a definition differs from the running instance.

    Attributes:
        key: the dotted key, such as ``backend.memory_mib``, or a key of the rendered configuration.
        before: what the running instance has; "" for nothing.
        after: what the definition says; "" for nothing.
        effect: whether it can change live.
        how: what makes the change, such as a command of ``hv``.
    """

    key: str
    before: str
    after: str
    effect: Effect
    how: str


@frozen
class ChangePlan:
    """What a new definition would change of a running instance.

    Attributes:
        hypervisor: the hypervisor's name.
        instance: the instance's name.
        changes: what differs; empty when the instance is as the definition says.
        documents: by path, how each file that was written at the start would change, as a unified diff.
    """

    hypervisor: str
    instance: str
    changes: tuple[Change, ...] = ()
    documents: dict[str, str] = field(factory=dict[str, str])

    @property
    def needs_restart(self) -> bool:
        """Whether anything needs a restart."""
        return any(change.effect is Effect.RESTART for change in self.changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data with stable keys, ready for JSON."""
        data = asdict(self)
        for change in data["changes"]:
            change["effect"] = str(change["effect"])
        return {**data, "changes": list(data["changes"]), "needs_restart": self.needs_restart}
