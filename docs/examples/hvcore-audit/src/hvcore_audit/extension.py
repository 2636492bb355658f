"""What joins every scope: a wrapper around each command of the contract."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

from hvcore.plugin import ContractHook, Instance, Kind, contract_hooks, current_hypervisor, hookimpl
from hvcore_audit.record import Record, outcome_of
from hvcore_audit.settings import AuditSettings, CurrentSettings

__all__ = ["Audit"]

_Around = Generator[None, Any, Any]


class Audit:
    """Records every call, and refuses starts that the policy forbids.

    The wrappers of all other commands are made below the class, since they are alike: one for each command of the contract,
    whatever the contract holds.

    Args:
        settings: tells what it is told; None reads the configuration, again whenever it has changed.
    """

    hvcore_contract = "1.0"

    def __init__(self, settings: Callable[[], AuditSettings] | None = None) -> None:
        self._settings = CurrentSettings() if settings is None else settings
        self._record = Record()

    @hookimpl(wrapper=True)
    def start_instance(self, instance: Instance) -> _Around:
        """Judge and record a start."""
        return (yield from self.recorded("start_instance", instance.name, lambda: self._judge(instance)))

    @hookimpl(wrapper=True)
    def plan_start(self, instance: Instance) -> _Around:
        """Judge and record a plan: it refuses what a start would refuse."""
        return (yield from self.recorded("plan_start", instance.name, lambda: self._judge(instance)))

    def recorded(self, operation: str, instance: str | None, judge: Callable[[], None] = lambda: None) -> _Around:
        """Stand around one call.

        Args:
            operation: the contract's verb.
            instance: the instance that the call is about, or None.
            judge: raises when the call may not be made.
        """
        began = time.monotonic()
        error: BaseException | None = None
        try:
            judge()
            return (yield)
        except BaseException as caught:
            error = caught
            raise
        finally:
            self._note(operation, instance, time.monotonic() - began, error)

    def _judge(self, instance: Instance) -> None:
        # Rules that cannot be read forbid: whoever wrote them meant something by them.
        settings = self._settings()
        if settings.fault is not None:
            raise settings.fault
        settings.policy.judge(instance)

    def _note(self, operation: str, instance: str | None, took_s: float, error: BaseException | None) -> None:
        settings = self._settings()
        if not settings.file or (settings.only and operation not in settings.only):
            return
        self._record.write(
            settings.file,
            {
                "hypervisor": current_hypervisor() or None,
                "operation": operation,
                "instance": instance,
                "duration_ms": round(took_s * 1000, 3),
                **outcome_of(error),
            },
        )


def _wrapper(hook: ContractHook) -> Callable[..., _Around]:
    """Return the wrapper of one command; a method takes those arguments of its hook that it needs."""
    operation = hook.name

    def about_a_name(self: Audit, instance_name: str | None) -> _Around:
        return (yield from self.recorded(operation, instance_name))

    def about_a_stop(self: Audit, name: str) -> _Around:
        return (yield from self.recorded(operation, name))

    def about_an_instance(self: Audit, instance: Instance) -> _Around:
        return (yield from self.recorded(operation, instance.name))

    def about_the_node(self: Audit) -> _Around:
        return (yield from self.recorded(operation, None))

    for argument, wrapper in (("instance_name", about_a_name), ("name", about_a_stop), ("instance", about_an_instance)):
        if argument in hook.arguments:
            return wrapper
    return about_the_node


for _hook in contract_hooks():
    if _hook.kind is Kind.COMMAND and not hasattr(Audit, _hook.name):
        setattr(Audit, _hook.name, hookimpl(wrapper=True)(_wrapper(_hook)))
