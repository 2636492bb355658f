"""What the source of a migration tells the target of the instance."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from hvcore.errors import HypervisorError, OperationFailed
from hvcore.fake.documents import table
from hvcore.model.instance import Instance

__all__ = ["Manifest"]

_FORMAT = 1


@frozen
class Manifest:
    """A running instance, described for the node that shall receive it.

    Attributes:
        migration: names the migration on both nodes.
        run: tells this run of the machine from every other.
        source: the state directory of the node that sends.
        memory_mib: the memory that it has.
        is_paused: whether the guest's time stands still.
        definition: what it was started with, changed devices included.
    """

    migration: str
    run: str
    source: str
    memory_mib: int
    is_paused: bool
    definition: Instance

    def to_text(self) -> str:
        """Return it as JSON on one line."""
        import json

        data: dict[str, Any] = {
            "format": _FORMAT,
            "migration": self.migration,
            "run": self.run,
            "source": self.source,
            "memory_mib": self.memory_mib,
            "is_paused": self.is_paused,
            "definition": self.definition.to_dict(),
        }
        return json.dumps(data)

    @classmethod
    def from_text(cls, text: str) -> Manifest:
        """Return what ``to_text`` described.

        Raises:
            OperationFailed: the text is something else.
        """
        try:
            data = table(text)
            if data["format"] != _FORMAT:
                raise _refused(f"its format is {data['format']!r}")
            return cls(
                migration=str(data["migration"]),
                run=str(data["run"]),
                source=str(data["source"]),
                memory_mib=int(data["memory_mib"]),
                is_paused=bool(data["is_paused"]),
                definition=Instance.from_dict(data["definition"]),
            )
        except KeyError as error:
            raise _refused(f"{error} is missing") from error
        except (TypeError, ValueError) as error:
            raise _refused(str(error)) from error
        except HypervisorError as error:
            raise error if isinstance(error, OperationFailed) else _refused(str(error)) from error


def _refused(why: str) -> OperationFailed:
    return OperationFailed(
        f"the description of the instance is not one of this hypervisor: {why}",
        resolution="hand over what migration_info says on the source, as it is",
    )
