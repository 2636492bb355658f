"""A watch over one guest: it wakes whoever waits when the guest may have ended."""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import TracebackType
from typing import Self

__all__ = ["GuestWatch"]


class GuestWatch:
    """Descriptors that become readable when a guest may have ended; closing the watch closes them.

    Args:
        descriptors: one or several, such as a descriptor of the guest's init (pidfd).
        run: names the guest's run, so that a guest that was started anew is told from one that goes on; "" when the
            descriptors become readable without the guest having ended.
    """

    def __init__(self, descriptors: Iterable[int], run: str = "") -> None:
        self._owned = list(descriptors)
        self.run = run
        if len(self._owned) != 1:
            self._owned.insert(0, _poll_of(self._owned))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """Return one descriptor that is readable when any of them is."""
        return self._owned[0]

    def close(self) -> None:
        """Close all; may be called again."""
        while self._owned:
            os.close(self._owned.pop())


def _poll_of(descriptors: list[int]) -> int:
    import select

    poll = select.epoll()
    for descriptor in descriptors:
        poll.register(descriptor, select.EPOLLIN)
    # The object closes its descriptor when it is forgotten, so a copy is kept.
    copy = os.dup(poll.fileno())
    poll.close()
    os.set_inheritable(copy, False)
    return copy
