"""What the shell may offer in place of a word; asked only while a command line is being completed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hvcore.cli.verbs import Arguments

__all__ = ["complete_hooks", "complete_hypervisors", "complete_instances"]


def complete_instances(parsed_args: Arguments | None = None, **_: Any) -> list[str]:
    """Return the instances that have state on disk: of the named hypervisor, or of all."""
    given = parsed_args or Arguments()
    state_dir = Path(getattr(given, "state_dir", None) or _default_state_dir())
    hypervisor = getattr(given, "hypervisor", None)
    places = [state_dir / hypervisor] if hypervisor else _directories(state_dir)
    return sorted({instance.name for place in places for instance in _directories(place)})


def complete_hypervisors(**_: Any) -> list[str]:
    """Return the installed hypervisors."""
    from hvcore.host import load

    return list(load().hypervisor_names)


def complete_hooks(parsed_args: Arguments | None = None, **_: Any) -> list[str]:
    """Return the hooks of the named hypervisor, or of all that can be loaded."""
    from hvcore.errors import HypervisorError
    from hvcore.host import load

    host = load()
    wanted = getattr(parsed_args, "hypervisor", None)
    found: set[str] = set()
    for name in (wanted,) if wanted else host.hypervisor_names:
        try:
            found.update(hook.name for hook in host.hypervisor(name).scope.hooks)
        except HypervisorError:
            continue  # 'hv plugins' says what is broken; a shell that waits for words cannot
    return sorted(found)


def _default_state_dir() -> Path:
    from hvcore.settings import Settings

    return Settings.from_environment(read_file=False).state_dir


def _directories(place: Path) -> list[Path]:
    """Return the directories in a place that are not hidden; none where it cannot be read."""
    try:
        with os.scandir(place) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError:
        return []
