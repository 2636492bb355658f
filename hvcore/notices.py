"""Notices that a listener failed to hear, kept on disk so that ``hv plugins`` can tell of them later.

One small file per listener and notice, in ``$HVCORE_STATE_DIR/.notices``; it goes when the listener hears that notice well.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hvcore.hook import Hook
    from hvcore.member import Member

__all__ = ["NoticeFaults"]

_FOLDER = ".notices"


class NoticeFaults:
    """The last failure of each listener.

    Args:
        state_dir: the host's state directory.
        hypervisor: whose listeners; "" when they are only read.
    """

    def __init__(self, state_dir: Path, hypervisor: str = "") -> None:
        self._folder = state_dir / _FOLDER
        self._hypervisor = hypervisor

    def keep(self, member: Member, hook: Hook, error: Exception | None) -> None:
        """Keep that a listener failed, or forget it when it did not. What cannot be kept is logged.

        Args:
            member: the listener.
            hook: the notice.
            error: what it raised; None when it heard well.
        """
        file = self._folder / f"{self._hypervisor}.{hook.name}.{member.name}.json"
        try:
            if error is None:
                file.unlink(missing_ok=True)
            else:
                self._write(file, member, hook, error)
        except (OSError, ValueError) as trouble:
            import logging

            logging.getLogger("hvcore.notices").warning("cannot keep the failure in %s: %s", file, trouble)

    def all(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return what was kept, in lines, by the listener's name and distribution."""
        import json

        found: dict[tuple[str, str], tuple[str, ...]] = {}
        try:
            names = sorted(os.listdir(self._folder))
        except OSError:  # there is none, or it is another user's
            return found
        for name in names:
            try:
                kept = json.loads((self._folder / name).read_text("utf-8"))
                key, line = (str(kept["name"]), str(kept["distribution"])), str(kept["text"])
            except (OSError, ValueError, KeyError, TypeError):  # half written, or just removed
                continue
            found[key] = (*found.get(key, ()), line)
        return found

    def _write(self, file: Path, member: Member, hook: Hook, error: Exception) -> None:
        import json
        import time
        import traceback

        from hvcore.errors import one_line

        frames = traceback.extract_tb(error.__traceback__)
        when = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        where = f" (at {frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        text = f"it failed to hear {hook.name} of {self._hypervisor} at {when}: {one_line(error)}{where}"
        data = {"name": member.name, "distribution": member.distribution, "text": text}
        self._folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(data), "utf-8")
