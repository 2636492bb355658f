"""Where state and logs live, which plugins are wanted, and in which order they are asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from hvcore.discovery import Selection, words_of

__all__ = ["CONFIG_FILE", "Settings"]

CONFIG_FILE = "/etc/hvcore/hvcore.toml"
"""Read where HVCORE_CONFIG names no other; it need not be there."""

_STATE_DIR = "/run/hvcore"
_LOG_DIR = "/var/log/hvcore"


@frozen
class Settings:
    """The host's settings.

    Attributes:
        state_dir: ``HVCORE_STATE_DIR``: one directory per hypervisor, and below it one per instance.
        log_dir: ``HVCORE_LOG_DIR``: logs that outlive their instance.
        selection: ``HVCORE_PLUGINS`` and ``HVCORE_DISABLE``, else ``allow`` and ``disable`` of the configuration file.
        order: ``HVCORE_ORDER``, else ``order`` of that file: names of extensions, those asked first in front.
        trace: ``HVCORE_TRACE``: whether every hook call is told on stderr; "" and "0" mean no.
    """

    state_dir: Path = Path(_STATE_DIR)
    log_dir: Path = Path(_LOG_DIR)
    selection: Selection = field(factory=Selection)
    order: tuple[str, ...] = ()
    trace: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, *, read_file: bool = True) -> Settings:
        """Read the settings from environment variables and the configuration file; a variable wins over the file.

        Args:
            environment: the variables; None takes the process's own.
            read_file: read the file that ``HVCORE_CONFIG`` names, else /etc/hvcore/hvcore.toml where there is one.

        Raises:
            InvalidInput: the file cannot be accepted; says where and why.
        """
        values = os.environ if environment is None else environment
        selection, order = _read_file(values.get("HVCORE_CONFIG")) if read_file else (None, ())
        words = values.get("HVCORE_ORDER")
        return cls(
            state_dir=Path(values.get("HVCORE_STATE_DIR") or _STATE_DIR).absolute(),
            log_dir=Path(values.get("HVCORE_LOG_DIR") or _LOG_DIR).absolute(),
            selection=Selection.from_environment(values, selection),
            order=order if words is None else tuple(words_of(words)),
            trace=values.get("HVCORE_TRACE", "") not in {"", "0"},
        )


def _read_file(variable: str | None) -> tuple[Selection | None, tuple[str, ...]]:
    """Read the file that a variable names, or the default one where there is one; "" names none."""
    path = CONFIG_FILE if variable is None else variable
    if not path or (variable is None and not os.path.exists(path)):
        return None, ()
    from hvcore.configuration import read_configuration

    return read_configuration(path)
