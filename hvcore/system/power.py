"""Power-cycling this node: an immediate reset, without a shutdown and without writing back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from hvcore.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KernelPower", "PowerEffects", "linux_powercycle", "real_effects"]

_SYSRQ_TRIGGER = "/proc/sysrq-trigger"
_REBOOT_COMMAND = ("reboot", "-n", "-f")
_REBOOT_TIMEOUT_S = 60


class PowerEffects(Protocol):
    """The two ways to reset a node, as one object, so that they are replaced together or not at all."""

    def trigger_sysrq(self) -> None:
        """Ask the kernel for an immediate reboot; it does not return where that works.

        Raises:
            OSError: the request could not be made.
        """

    def force_reboot(self) -> None:
        """Reboot by force, without a shutdown.

        Raises:
            OperationFailed: the tool failed or is missing.
            OSError: the tool could not be started.
        """


@frozen
class KernelPower:
    """The effects on a Linux kernel. Nothing has a default: only ``real_effects`` names what resets the node.

    Args:
        sysrq_trigger: the file that takes sysrq commands.
        reboot_command: the tool that reboots without a shutdown, with its arguments.
    """

    sysrq_trigger: str
    reboot_command: tuple[str, ...]

    def trigger_sysrq(self) -> None:
        """Write the command ``b`` and close the file, whether or not the write succeeds."""
        # Without O_CREAT: a kernel without sysrq must be an error, not a new file.
        descriptor = os.open(self.sysrq_trigger, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, b"b")
        finally:
            os.close(descriptor)

    def force_reboot(self) -> None:
        """Run the tool."""
        from hvcore.system.commands import run

        run(self.reboot_command, timeout_s=_REBOOT_TIMEOUT_S)


def real_effects() -> PowerEffects:
    """Return the effects that reset this node; making them does nothing yet."""
    return KernelPower(_SYSRQ_TRIGGER, _REBOOT_COMMAND)


def linux_powercycle(effects: PowerEffects | None = None, *, log: Callable[[str], object] | None = None) -> None:
    """Reset this node at once: running instances and unwritten data are lost.

    The kernel is asked first. When it refuses, or when the request returns although a reset never does, the node is
    rebooted by force. There is no delay: a caller that wants to answer first has to wait before the call.

    Args:
        effects: what resets the node; None means this node, for real.
        log: receives one line before the forced reboot; None sends it to the logger ``hvcore.power`` as a warning.

    Returns:
        Nothing. On a real node it may not return at all; when it does, the forced reboot was accepted.

    Raises:
        OperationFailed: both ways failed; the node still runs.

    Source: Ganeti 3.1, ``LinuxPowercycle``; the kernel's ``Documentation/admin-guide/sysrq.rst`` (command ``b``);
    reboot(8) (``-n`` does not write back, ``-f`` does not ask the init system).
    """
    power = real_effects() if effects is None else effects
    try:
        power.trigger_sysrq()
    except OSError as error:
        refusal = f"sysrq failed: {_reason(error)}"
    else:
        refusal = "sysrq was accepted, but the node still runs"
    (log or _warn)(f"{refusal}; rebooting by force")
    try:
        power.force_reboot()
    except (OperationFailed, OSError) as error:
        raise _both_failed(refusal, error) from error


def _both_failed(refusal: str, error: OperationFailed | OSError) -> OperationFailed:
    reason = error.message if isinstance(error, OperationFailed) else _reason(error)
    words = error.details if isinstance(error, OperationFailed) else ()
    command = " ".join(_REBOOT_COMMAND)
    return OperationFailed(
        f"the node was not reset: {refusal}; the forced reboot failed: {reason}",
        details=[f"{_SYSRQ_TRIGGER}: {refusal}", f"{command}: {reason}", *words],
        resolution="do it as root of the node, not of a container; else use its management controller or power switch",
    )


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _warn(line: str) -> None:
    import logging

    logging.getLogger("hvcore.power").warning("%s", line)
