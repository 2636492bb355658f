"""Where state and logs live, and in which order extensions are asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from hvcore.discovery import Selection

__all__ = ["Settings"]

_STATE_DIR = "/run/hvcore"
_LOG_DIR = "/var/log/hvcore"


@frozen
class Settings:
    """The host's settings.

    Attributes:
        state_dir: ``HVCORE_STATE_DIR``: one directory per hypervisor, and below it one per instance.
        log_dir: ``HVCORE_LOG_DIR``: logs that outlive their instance.
        selection: ``HVCORE_PLUGINS`` and ``HVCORE_DISABLE``.
        order: ``HVCORE_ORDER``: names of extensions, those asked first in front.
    """

    state_dir: Path = Path(_STATE_DIR)
    log_dir: Path = Path(_LOG_DIR)
    selection: Selection = field(factory=Selection)
    order: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from environment variables; None reads the process's own."""
        values = os.environ if environment is None else environment
        return cls(
            state_dir=Path(values.get("HVCORE_STATE_DIR") or _STATE_DIR).absolute(),
            log_dir=Path(values.get("HVCORE_LOG_DIR") or _LOG_DIR).absolute(),
            selection=Selection.from_environment(values),
            order=tuple(values.get("HVCORE_ORDER", "").replace(",", " ").split()),
        )
