"""Every error that hvcore raises, as one tree.

::

    HypervisorError                 an expected failure; everything below is one
    ├── Unsupported                 the hypervisor does not implement the operation
    ├── InvalidInput                bad input, with file, line, key, value and what is allowed
    │   └── InvalidParameter        a hypervisor parameter fails its check
    ├── UnknownHypervisor           no installed plugin answers to that name
    ├── InstanceNotFound            no such instance
    ├── Busy                        another process holds the instance's lock
    ├── OperationFailed             the operation was tried and did not succeed
    │   ├── CommandFailed           a tool exited with a status that is not zero
    │   │   └── CommandTimeout      a tool did not finish in time and was ended
    │   ├── AlreadyRunning          the instance runs already
    │   ├── NotRunning              the instance does not run
    │   ├── StopTimeout             the guest did not shut down in time
    │   ├── DeviceBusy              a device or image is in use elsewhere
    │   ├── StateFailed             the state directory cannot be read or written
    │   ├── MissingRequirement      a tool, a privilege or a kernel feature is missing
    │   ├── PolicyRefused           a rule of this node forbids the operation
    │   └── HotplugError            a device cannot be changed in a running instance
    └── PluginError                 a plugin breaks the rules
        ├── InvalidPlugin           it cannot be loaded or registered
        ├── HookConflict            two plugins claim one hook and nothing orders them
        └── HookFailed              a hook raised, or answered what its spec forbids

Each class carries a stable, dotted ``code`` and the exit status that ``hv`` ends with. A class below another one carries
that one's code with a part more, so a longer code is a special case of its prefix. What happened is in fields, never only
in a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

__all__ = [
    "AlreadyRunning",
    "Busy",
    "CommandFailed",
    "CommandTimeout",
    "DeviceBusy",
    "HookConflict",
    "HookFailed",
    "HotplugError",
    "HypervisorError",
    "InstanceNotFound",
    "InvalidInput",
    "InvalidParameter",
    "InvalidPlugin",
    "MissingRequirement",
    "NotRunning",
    "OperationFailed",
    "PluginError",
    "PolicyRefused",
    "StateFailed",
    "StopTimeout",
    "UnknownHypervisor",
    "Unsupported",
    "one_line",
]


class HypervisorError(Exception):
    """An expected failure, explained by its fields.

    Args:
        message: what failed and why, in one line, without a trailing period.
        hypervisor: the hypervisor's name.
        instance: the instance's name.
        operation: the contract's verb, such as ``start_instance``.
        step: the step of the operation that failed, such as ``mount``.
        details: more lines about the cause: the tool's or the kernel's own words.
        undone: the steps that were undone after the failure, in the order they were undone.
        left_behind: what could not be undone.
        resolution: what the reader can do about it.
    """

    code: ClassVar[str] = "failed"
    exit_status: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        hypervisor: str | None = None,
        instance: str | None = None,
        operation: str | None = None,
        step: str | None = None,
        details: Iterable[str] = (),
        undone: Iterable[str] = (),
        left_behind: Iterable[str] = (),
        resolution: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hypervisor = hypervisor
        self.instance = instance
        self.operation = operation
        self.step = step
        self.details = tuple(details)
        self.undone = tuple(undone)
        self.left_behind = tuple(left_behind)
        self.resolution = resolution

    def __str__(self) -> str:
        return self.message

    def add_context(
        self,
        *,
        hypervisor: str | None = None,
        instance: str | None = None,
        operation: str | None = None,
        step: str | None = None,
    ) -> Self:
        """Fill the fields that are still unset and return the error itself.

        The innermost caller knows best, so a field that is set stays as it is.
        """
        self.hypervisor = self.hypervisor or hypervisor
        self.instance = self.instance or instance
        self.operation = self.operation or operation
        self.step = self.step or step
        return self

    def extra_fields(self) -> dict[str, Any]:
        """Return the fields that only this class of error has, ready for JSON."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain data with stable keys, ready for JSON."""
        return {
            "code": self.code,
            "message": self.message,
            "hypervisor": self.hypervisor,
            "instance": self.instance,
            "operation": self.operation,
            "step": self.step,
            "details": list(self.details),
            "undone": list(self.undone),
            "left_behind": list(self.left_behind),
            "resolution": self.resolution,
            **self.extra_fields(),
        }

    def explain(self) -> str:
        """Return the whole story in lines for a person: what, why, what was undone, what is left, what to do."""
        where = " ".join(filter(None, (self.hypervisor, self.operation, self.instance)))
        lines = [f"{where}: {self}" if where else str(self)]
        if self.step:
            lines.append(f"  failed step: {self.step}")
        lines += [f"  {line}" for line in self.details]
        if self.undone:
            lines.append(f"  undone: {', '.join(self.undone)}")
        lines += [f"  left behind: {item}" for item in self.left_behind]
        if self.resolution:
            lines.append(f"  what to do: {self.resolution}")
        lines.append(f"  code: {self.code}")
        return "\n".join(lines)


class Unsupported(HypervisorError):
    """The hypervisor does not implement the operation."""

    code = "unsupported"
    exit_status = 3


class InvalidInput(HypervisorError):
    """What the user wrote cannot be accepted.

    Args:
        message: what is wrong, in one line.
        file: the file it stands in.
        line: the line in that file, counted from 1.
        key: the dotted key, such as ``backend.memory_mib``.
        value: the value as given.
        allowed: what would be accepted.
    """

    code = "input"
    exit_status = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        key: str | None = None,
        value: object = None,
        allowed: str | None = None,
        **context: Any,
    ) -> None:
        super().__init__(message, **context)
        self.file = file
        self.line = line
        self.key = key
        self.value = value
        self.allowed = allowed

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        text = f"{place}: {self.message}" if place else self.message
        return f"{text}; allowed: {self.allowed}" if self.allowed else text

    def extra_fields(self) -> dict[str, Any]:
        """Return place, key, value and what is allowed; a value that JSON does not know as its ``repr``."""
        is_finite = isinstance(self.value, float) and math.isfinite(self.value)
        value = self.value if is_finite or isinstance(self.value, (str, int, type(None))) else repr(self.value)
        return {"file": self.file, "line": self.line, "key": self.key, "value": value, "allowed": self.allowed}


class InvalidParameter(InvalidInput):
    """A hypervisor parameter fails its syntax check or its validation on the node."""

    code = "input.parameter"


class UnknownHypervisor(HypervisorError):
    """No installed plugin provides the hypervisor."""

    code = "hypervisor.unknown"
    exit_status = 2


class InstanceNotFound(HypervisorError):
    """There is no instance of that name."""

    code = "instance.not-found"
    exit_status = 4


class Busy(HypervisorError):
    """Another process works on the instance."""

    code = "instance.busy"
    exit_status = 5


class OperationFailed(HypervisorError):
    """The operation was tried and did not succeed."""

    code = "operation"


class CommandFailed(OperationFailed):
    """A tool exited with a status that is not zero.

    Args:
        message: what failed, in one line.
        command: the argument list that was run.
        status: its exit status; minus the signal's number when a signal ended it; None when it never ended by itself.
    """

    code = "operation.command"

    def __init__(self, message: str, *, command: Sequence[str] = (), status: int | None = None, **context: Any) -> None:
        super().__init__(message, **context)
        self.command = tuple(command)
        self.status = status

    def extra_fields(self) -> dict[str, Any]:
        """Return the command and its exit status."""
        return {"command": list(self.command), "status": self.status}


class CommandTimeout(CommandFailed):
    """A tool did not finish in time and was ended."""

    code = "operation.command.timeout"


class AlreadyRunning(OperationFailed):
    """The instance runs already."""

    code = "operation.already-running"


class NotRunning(OperationFailed):
    """The instance exists but does not run."""

    code = "operation.not-running"
    exit_status = 4


class StopTimeout(OperationFailed):
    """The guest was asked to shut down and still runs."""

    code = "operation.stop-timeout"


class DeviceBusy(OperationFailed):
    """A device, image or directory is in use elsewhere."""

    code = "operation.device-busy"


class StateFailed(OperationFailed):
    """The state directory cannot be read or written."""

    code = "operation.state"


class MissingRequirement(OperationFailed):
    """A tool, a privilege or a kernel feature that the operation needs is missing."""

    code = "operation.requirement"


class PolicyRefused(OperationFailed):
    """A rule of this node forbids the operation; an extension raises it before anything is touched."""

    code = "operation.policy"


class HotplugError(OperationFailed):
    """A device cannot be changed in the running instance."""

    code = "operation.hotplug"


class PluginError(HypervisorError):
    """A plugin breaks the rules of the framework."""

    code = "plugin"


class InvalidPlugin(PluginError):
    """A plugin cannot be loaded or registered."""

    code = "plugin.invalid"


class HookConflict(PluginError):
    """Two plugins claim one hook and nothing says which comes first."""

    code = "plugin.conflict"


class HookFailed(PluginError):
    """A hook raised something that is not a HypervisorError, or answered what its spec forbids."""

    code = "plugin.hook"


def one_line(error: BaseException) -> str:
    """Return the kind of an exception and its words in one line, for a message."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
