"""Where the tour plays: a directory of its own, so that it never meets the operator's instances."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hvcore.errors import HypervisorError

if TYPE_CHECKING:
    from hvcore.hypervisor import Hypervisor
    from hvcore.model.instance import Instance

__all__ = ["Stage"]

_MEMORY_MIB = 64


class Stage:
    """Two instances with their files and roots, and how everything is taken down again.

    Args:
        directory: an empty directory; the stage removes it in the end.
        hypervisor: the hypervisor that plays; its state and logs are below the directory.
        token: a word that is in every instance's name and nowhere else.
    """

    def __init__(self, directory: Path, hypervisor: Hypervisor, token: str) -> None:
        self.directory = directory
        self.hypervisor = hypervisor
        self._begun: list[str] = []
        self.names = (f"web-{token}", f"db-{token}")

    def file(self, name: str) -> Path:
        """Return an instance's file."""
        return self.directory / f"{name}.toml"

    def build(self, *, is_real: bool) -> None:
        """Make each instance's root and file.

        Args:
            is_real: whether the root must be one that a guest can boot from.
        """
        for name, cpu in zip(self.names, _cpus(), strict=True):
            root = self.directory / f"{name}.rootfs"
            if is_real:
                from hvcore.testing.busybox import build_busybox_root

                build_busybox_root(root)
            else:
                root.mkdir()
            self.file(name).write_text(self._definition(name, root, cpu), encoding="utf-8")

    def instance(self, name: str) -> Instance:
        """Read an instance's file."""
        from hvcore.model.instance import Instance

        return Instance.from_file(self.file(name))

    def start(self, name: str) -> None:
        """Start an instance from its file."""
        self._begun.append(name)
        self.hypervisor.start_instance(self.instance(name))

    def console_log(self, name: str) -> Path | None:
        """Return the log that an instance's console is written to."""
        log = self.hypervisor.context.log_dir / f"{name}.console.log"
        return log if log.is_file() else None

    def strike(self) -> list[str]:
        """End whatever still runs and remove the directory; return what could not be done."""
        failures: list[str] = []
        for name in self._begun:
            try:
                self.hypervisor.stop_instance(name, force=True)
                self.hypervisor.cleanup_instance(name)
            except HypervisorError as error:
                failures.append(error.explain())
        if failures:
            failures.append(f"{self.directory} is kept, for something may still be mounted in it")
            return failures
        try:
            shutil.rmtree(self.directory)
        except OSError as error:
            failures.append(f"{error.filename} cannot be removed: {error.strerror}")
        return failures

    def _definition(self, name: str, root: Path, cpu: int) -> str:
        import json

        has_mask = any(parameter.name == "cpu_mask" for parameter in self.hypervisor.parameters)
        lines = [
            f'name = "{name}"',
            f'hypervisor = "{self.hypervisor.name}"',
            "[backend]",
            f"memory_mib = {_MEMORY_MIB}",
            "vcpus = 1",
            *(["[parameters]", f'cpu_mask = "{cpu}"'] if has_mask else []),
            "[[disks]]",
            f"path = {json.dumps(str(root))}",
        ]
        return "\n".join(lines) + "\n"


def _cpus() -> tuple[int, int]:
    """Return a CPU for each instance: two different ones where there are two."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]
