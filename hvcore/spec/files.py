"""Files outside the instances that must be alike on every node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hvcore.spec.kinds import command

if TYPE_CHECKING:
    from hvcore.model.files import AncillaryFiles

__all__ = ["FilesSpec"]


class FilesSpec:
    """The hypervisor's ancillary files."""

    @command(since="1.0")
    def get_ancillary_files(self) -> AncillaryFiles:
        """Name the files that a management tool keeps identical on all nodes.

        Answered by: the driver; ``BaseHypervisor`` answers with ``ANCILLARY_FILES`` and ``ANCILLARY_FILES_OPT``.

        Args:
            none.

        Returns:
            Absolute paths, and the subset of them that may be absent everywhere.

        Raises:
            nothing.

        Source: Ganeti ``GetAncillaryFiles``; the optional list since Ganeti 2.6.
        """
        raise NotImplementedError
