"""Files that must be alike on every node."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from hvcore.errors import InvalidInput

__all__ = ["AncillaryFiles"]


def _paths(value: Iterable[str]) -> frozenset[str]:
    return frozenset(value)


@frozen
class AncillaryFiles:
    """The files of one hypervisor.

    Attributes:
        paths: absolute paths.
        optional: the subset of them that may be absent on all nodes.
    """

    paths: frozenset[str] = field(default=frozenset[str](), converter=_paths)
    optional: frozenset[str] = field(default=frozenset[str](), converter=_paths)

    def __attrs_post_init__(self) -> None:
        relative = sorted(path for path in self.paths if not path.startswith("/"))
        if relative:
            raise InvalidInput("ancillary files need absolute paths", key="paths", value=", ".join(relative))
        strays = sorted(self.optional - self.paths)
        if strays:
            raise InvalidInput(
                "optional ancillary files must be among the ancillary files", key="optional", value=", ".join(strays)
            )
