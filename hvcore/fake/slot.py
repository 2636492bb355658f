"""Where an instance from another node arrives, and the one moment at which it does.

The slot is an empty directory. The file with the machine's state is renamed into it: at that moment the instance leaves the one
node and is on the other, so that it never runs on both or on none. To close the slot is to remove the directory, which the
kernel only does while it is empty: a migration is either called off or has succeeded, whatever happens at the same time.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from hvcore.errors import OperationFailed
from hvcore.fake.documents import DRAFT, explained, read_text, replace, table

__all__ = ["ArrivalSlot"]


class ArrivalSlot:
    """The slot of one instance.

    Args:
        directory: the instance's directory, whether it exists or not.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "incoming"
        self.arrival = self.path / "state.json"
        self.record = directory / "incoming.json"

    def is_there(self) -> bool:
        """Tell whether the slot waits for an instance, or holds one that was not put in its place yet."""
        return self.path.is_dir()

    def has_arrived(self) -> bool:
        """Tell whether an instance is in it."""
        return self.arrival.exists()

    def open(self, migration: str, source: str) -> None:
        """Make the slot.

        Args:
            migration: names the migration that may use it.
            source: the state directory of the node that sends.
        """
        replace(self.record, {"migration": migration, "source": source})
        with explained("make", self.path):
            self.path.mkdir(mode=0o750, exist_ok=True)

    def expected(self) -> str | None:
        """Return the name of the migration that may use it; None when it is closed, or its record cannot be read."""
        return self._recorded("migration") if self.is_there() else None

    def sender(self) -> str | None:
        """Return the state directory of the node that sends; None when its record cannot be read."""
        return self._recorded("source")

    def take(self, state: Path, migration: str) -> None:
        """Let an instance in: from now on it is here, and no longer where it was.

        Args:
            state: the file with the machine's state on its node.
            migration: names the migration.

        Raises:
            OperationFailed: the slot is closed, or waits for another migration, or is out of reach; nothing has changed.
        """
        if self.expected() != migration:
            raise _closed(self.path)
        try:
            os.rename(state, self.arrival)
        except FileNotFoundError as error:
            raise _closed(self.path) from error
        except OSError as error:
            why = "the other node's is on another file system" if error.errno == errno.EXDEV else error.strerror
            raise OperationFailed(
                f"cannot move {state} into {self.path}: {why}",
                resolution="let both state directories be on one file system, and be writable",
            ) from error

    def close(self) -> bool:
        """Let nothing in any more; tell whether that came before anything was let in."""
        with explained("remove", self.path):
            try:
                self.path.rmdir()
            except FileNotFoundError:
                return True
            except OSError as error:
                if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
                    return False
                raise
        return True

    def remove(self) -> None:
        """Remove it with all that is in it; idempotent."""
        with explained("remove", self.path):
            for path in (self.arrival, self.record):
                path.unlink(missing_ok=True)
                path.with_name(path.name + DRAFT).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                self.path.rmdir()

    def _recorded(self, key: str) -> str | None:
        text = read_text(self.record)
        if text is None:
            return None
        try:
            return str(table(text)[key])
        except (KeyError, TypeError, ValueError):
            return None


def _closed(path: Path) -> OperationFailed:
    return OperationFailed(
        f"the target no longer waits for the instance at {path}",
        resolution="end the migration without success on both nodes and begin again",
    )
