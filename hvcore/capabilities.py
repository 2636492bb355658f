"""What a hypervisor can do on this node: what its driver implements, less what the node lacks."""

from __future__ import annotations

from hvcore.errors import HookFailed
from hvcore.model.capability import Capability, Support, refine
from hvcore.scope import Hook, Scope
from hvcore.spec.inventory import InventorySpec
from hvcore.spec.kinds import Kind

__all__ = ["capabilities_of"]


def capabilities_of(scope: Scope) -> tuple[Capability, ...]:
    """Return one entry per operation of a scope, in the order in which the specs are written.

    Raises:
        HookFailed: the driver speaks of an operation that there is not.
        HypervisorError: the driver's own.
    """
    commands = [hook for hook in scope.hooks if hook.declaration.kind is Kind.COMMAND]
    limits: tuple[Capability, ...] = ()
    if any(hook.function is InventorySpec.capabilities and _is_implemented(scope, hook) for hook in commands):
        limits = scope.command(InventorySpec.capabilities)
    unknown = sorted({limit.operation for limit in limits} - {hook.name for hook in commands})
    if unknown:
        raise HookFailed(
            f"the driver limits {unknown[0]!r}, which is no operation of {scope.hypervisor}",
            hypervisor=scope.hypervisor,
            operation="capabilities",
            resolution="report it to the plugin's author",
        )
    return tuple(
        refine(Capability(hook.name, Support.YES), limits)
        if _is_implemented(scope, hook)
        else Capability(hook.name, Support.NO, f"{scope.hypervisor} does not implement it")
        for hook in commands
    )


def _is_implemented(scope: Scope, hook: Hook) -> bool:
    return any(answerer.role != "wrapper" for answerer in scope.answerers(hook.function))
