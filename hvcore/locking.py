"""An instance's lock, as the verbs hold it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from hvcore.errors import HypervisorError, MissingRequirement, StateFailed
from hvcore.scope import Scope
from hvcore.system.locks import InstanceLocks

__all__ = ["instance_lock"]


@contextmanager
def instance_lock(scope: Scope, locks: InstanceLocks, name: str, operation: str, wait_s: float = 0) -> Generator[None]:
    """Hold an instance's lock for the body of a ``with``.

    Args:
        scope: the hypervisor's scope.
        locks: its locks.
        name: the instance's name.
        operation: the verb.
        wait_s: seconds to wait for the present holder; 0 does not wait.

    Raises:
        Busy: another process, or this one already, holds it.
        MissingRequirement: the caller may not make the lock, and could not have done the operation with it.
        StateFailed: the lock cannot be made for another reason.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locks.hold(name, operation, wait_s=wait_s))
        except StateFailed as error:
            raise _clearest(error, scope, operation) from error.__cause__
        yield


def _clearest(error: StateFailed, scope: Scope, operation: str) -> HypervisorError:
    """Return what the caller lacks for an operation, where that says more than that a file may not be made."""
    from hvcore.capabilities import capabilities_of
    from hvcore.model.capability import Support

    if not isinstance(error.__cause__, PermissionError):
        return error
    missing = [c for c in capabilities_of(scope) if c.operation == operation and c.support is Support.NO]
    if not missing:
        return error
    return MissingRequirement(
        missing[0].reason,
        hypervisor=error.hypervisor,
        instance=error.instance,
        operation=operation,
        details=[error.message],
        resolution=missing[0].remedy or error.resolution,
    )
