"""Where calls are recorded and what may be started: two environment variables and one TOML file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from attrs import field, frozen

from hvcore import InvalidInput
from hvcore_audit.policy import Policy, texts

__all__ = ["CONFIG_VARIABLE", "DEFAULT_CONFIG", "DEFAULT_FILE", "FILE_VARIABLE", "AuditSettings", "CurrentSettings"]

FILE_VARIABLE = "HVCORE_AUDIT_FILE"
CONFIG_VARIABLE = "HVCORE_AUDIT_CONFIG"
DEFAULT_CONFIG = "/etc/hvcore/audit.toml"
DEFAULT_FILE = "/var/log/hvcore/audit.jsonl"
_KEYS = frozenset({"file", "only", "policy"})


@frozen
class AuditSettings:
    """What this extension is told.

    Attributes:
        file: where the lines go; "" records nothing.
        only: the operations that are recorded; empty for all.
        policy: what may be started.
        fault: why the configuration cannot be used; None when it can.
    """

    file: str = DEFAULT_FILE
    only: frozenset[str] = frozenset()
    policy: Policy = field(factory=Policy)
    fault: InvalidInput | None = field(default=None, eq=False)

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the configuration; one that is broken is no error here, since most calls do not depend on it.

        Args:
            environment: ``HVCORE_AUDIT_CONFIG`` names the file, ``HVCORE_AUDIT_FILE`` wins over what the file says.
        """
        config = Path(environment.get(CONFIG_VARIABLE, DEFAULT_CONFIG))
        target = environment.get(FILE_VARIABLE)
        try:
            data = _load(config, is_demanded=CONFIG_VARIABLE in environment)
            file = target if target is not None else str(data.get("file", DEFAULT_FILE))
            return cls(file, frozenset(texts(data.get("only", []))), Policy(**data.get("policy", {})))
        except (OSError, ValueError, TypeError) as error:
            fault = InvalidInput(
                f"the audit's configuration cannot be used: {error}",
                file=str(config),
                resolution=f"mend it, or name another file in {CONFIG_VARIABLE}",
            )
            return cls(file=DEFAULT_FILE if target is None else target, fault=fault)


def _load(config: Path, *, is_demanded: bool) -> dict[str, Any]:
    if not is_demanded and not config.exists():
        return {}
    import tomllib

    data = tomllib.loads(config.read_text("utf-8"))
    if unknown := sorted(data.keys() - _KEYS):
        raise ValueError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}")
    return data


class CurrentSettings:
    """The settings as they are now: the configuration is read again once it has changed."""

    def __init__(self) -> None:
        self._seen: object = None
        self._settings = AuditSettings()

    def __call__(self) -> AuditSettings:
        """Return the settings."""
        seen = (os.environ.get(CONFIG_VARIABLE), os.environ.get(FILE_VARIABLE), _mark(CONFIG_VARIABLE))
        if seen != self._seen:
            self._settings = AuditSettings.read()
            self._seen = seen
        return self._settings


def _mark(variable: str) -> tuple[int, int, int] | None:
    """Return what tells one state of the configuration from the next."""
    try:
        status = os.stat(os.environ.get(variable, DEFAULT_CONFIG))
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
