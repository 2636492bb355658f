"""The files of one fake instance."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hvcore.errors import HypervisorError, StateFailed
from hvcore.fake.state import RunState

if TYPE_CHECKING:
    from hvcore.fake.clock import Clock
    from hvcore.model.instance import Instance

__all__ = ["InstanceFiles"]

_JOURNAL = "journal"
_NEW = ".new"


class InstanceFiles:
    """The directory of one instance, and what lies in it beside the journal.

    Every file is replaced as a whole, so that a reader in another process never sees half of one. Everything is removed
    idempotently.

    Args:
        directory: the instance's directory, whether it exists or not.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.definition = directory / "definition.json"
        self.state = directory / "state.json"
        self.bell = directory / "bell"
        self.root = directory / "root"

    def make_directory(self) -> None:
        """Make the directory, unless it is there."""
        with _explained("make", self.directory):
            self.directory.mkdir(mode=0o750, parents=True, exist_ok=True)

    def remove_directory(self) -> None:
        """Remove the journal and the directory, once nothing else is left in it."""
        with _explained("remove", self.directory):
            if not self.directory.is_dir():
                return
            others = sorted(set(os.listdir(self.directory)) - {_JOURNAL})
            if others:
                raise StateFailed(
                    f"{self.directory} cannot be removed, for it still holds {', '.join(others)}",
                    resolution="move away what is not hvcore's and clean the instance up",
                )
            (self.directory / _JOURNAL).unlink(missing_ok=True)
            self.directory.rmdir()

    def remove_bare_directory(self) -> None:
        """Remove the directory if it holds nothing but the journal of a start that took no step."""
        with suppress(StateFailed):  # what it still holds, and why, is told by the failure that led here
            self.remove_directory()

    def write_definition(self, instance: Instance) -> None:
        """Save the definition."""
        _replace(self.definition, instance.to_dict())

    def read_definition(self) -> Instance | None:
        """Return the saved definition, or None when there is none.

        Raises:
            StateFailed: it cannot be read, or is no definition.
        """
        from hvcore.model.instance import Instance

        text = _text(self.definition)
        if text is None:
            return None
        try:
            return Instance.from_dict(_table(text))
        except (TypeError, ValueError, HypervisorError) as error:
            raise StateFailed(
                f"{self.definition} is no instance's definition: {error}",
                resolution="restore the instance, or stop it by force and start it again",
            ) from error

    def write_state(self, state: RunState) -> None:
        """Save the state of the machine."""
        _replace(self.state, state.to_dict())

    def read_state(self) -> RunState | None:
        """Return the saved state, or None when the machine is off; what is no state says nothing, so it is off then, too.

        Raises:
            StateFailed: it cannot be read.
        """
        text = _text(self.state)
        if text is None:
            return None
        try:
            return RunState.from_dict(_table(text))
        except (KeyError, TypeError, ValueError):
            return None

    def running(self, clock: Clock) -> RunState | None:
        """Return the state of a machine that runs or is paused at a moment, else None."""
        state = self.read_state()
        return state if state is not None and state.is_alive(clock) else None

    def remove(self, path: Path) -> None:
        """Remove one of the files, and what a killed writer left of it."""
        with _explained("remove", path):
            path.with_name(path.name + _NEW).unlink(missing_ok=True)
            path.unlink(missing_ok=True)


def _replace(path: Path, data: dict[str, Any]) -> None:
    import json

    new = path.with_name(path.name + _NEW)
    with _explained("write", path):
        new.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
        new.replace(path)


def _text(path: Path) -> str | None:
    with _explained("read", path):
        try:
            return path.read_text("utf-8", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return None


def _table(text: str) -> dict[str, Any]:
    """Return what a JSON text describes.

    Raises:
        ValueError: it is no JSON.
        TypeError: it is something else than an object.
    """
    import json

    data: object = json.loads(text)
    if not isinstance(data, dict):
        raise TypeError("it is not a JSON object")
    return cast("dict[str, Any]", data)


@contextmanager
def _explained(verb: str, path: Path) -> Generator[None]:
    """Say of an error of the file system what was done, to which file, and what helps."""
    try:
        yield
    except OSError as error:
        raise StateFailed(
            f"cannot {verb} {path}: {error.strerror}",
            resolution="check free space and permissions, or set HVCORE_STATE_DIR to a directory you may write",
        ) from error
