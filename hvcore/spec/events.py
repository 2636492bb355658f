"""What happens to instances that nobody asked for.

hvcore itself tells of everything that a verb does. A driver only tells when a guest ended by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import command

if TYPE_CHECKING:
    from hvcore.model.event import GuestEnd, GuestWatcher

__all__ = ["EventsSpec"]


class EventsSpec:
    """The ends of guests."""

    @command(since="1.0")
    def watch_guest(self, instance_name: str) -> GuestWatcher | None:
        """Begin to watch over a running guest, on the kernel's word and without polling.

        Answered by: the driver.

        Args:
            instance_name: the instance's name.

        Returns:
            A watch, whose descriptor becomes readable when the guest may have ended; None when it does not run. Whoever
            asked for it closes it, and asks for another one where the guest turns out to run on.

        Raises:
            OperationFailed: it cannot be watched.

        Source: hvcore's own; pidfd_open(2) serves where a guest has a first process.
        """
        raise NotImplementedError

    @command(since="1.0")
    def get_guest_end(self, instance_name: str) -> GuestEnd | None:
        """Say why a guest ended by itself.

        Asked only of an instance that was started and not stopped, as far as its events tell. Changes nothing.

        Answered by: the driver.

        Args:
            instance_name: the instance's name.

        Returns:
            The reason, as far as it is known; None when the guest runs, or is just being started again by its own reboot.

        Raises:
            OperationFailed: it could not be found out whether it runs.

        Source: hvcore's own.
        """
        raise NotImplementedError
