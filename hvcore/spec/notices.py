"""What extensions are told after the fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import notify

if TYPE_CHECKING:
    from hvcore.model.instance import Instance

__all__ = ["NoticesSpec"]


class NoticesSpec:
    """Notices; a listener that fails is logged and changes nothing."""

    @notify(since="1.0")
    def instance_started(self, instance: Instance) -> None:
        """Hear that an instance has been started, or restarted by a reboot.

        Answered by: any extension.

        Args:
            instance: the definition of the instance, which runs now.

        Returns:
            Nothing.

        Raises:
            nothing that the caller would see.

        Source: hvcore's own.
        """
        raise NotImplementedError

    @notify(since="1.0")
    def instance_stopped(self, instance_name: str) -> None:
        """Hear that an instance has been stopped and its traces removed.

        Answered by: any extension.

        Args:
            instance_name: the instance's name.

        Returns:
            Nothing.

        Raises:
            nothing that the caller would see.

        Source: hvcore's own.
        """
        raise NotImplementedError
