"""The node's own resources and files: ``node`` and ``files``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from hvcore.cli.table import Cell, render_pairs, render_table
from hvcore.cli.terminal import use_colour
from hvcore.cli.verbs import Arguments, Command, no_arguments
from hvcore.errors import HypervisorError

if TYPE_CHECKING:
    from hvcore.cli.session import Session
    from hvcore.model.files import AncillaryFiles

__all__ = ["COMMANDS"]

_LABELS = {
    "memory_total_mib": ("memory", "MiB"),
    "memory_free_mib": ("free memory", "MiB"),
    "memory_dom0_mib": ("memory in use", "MiB"),
    "memory_hv_mib": ("memory of the hypervisor", "MiB"),
    "cpu_total": ("CPUs", ""),
    "cpu_dom0": ("CPUs of this system", ""),
    "cpu_nodes": ("NUMA nodes", ""),
    "cpu_sockets": ("sockets", ""),
}


def _node(session: Session, _: Arguments) -> int:
    from hvcore.cli.output import print_json

    data = _node_data(session)
    if session.as_json:
        print_json(data)
        return 0
    pairs: list[tuple[str, str | Cell]] = []
    for key, (label, unit) in _LABELS.items():
        if data[key] is not None:
            pairs.append((label, f"{data[key]} {unit}".rstrip()))
    if data["hv_version"] is not None:
        pairs.append((f"version of {data['hypervisor']}", ".".join(map(str, data["hv_version"]))))
    print(render_pairs(pairs, use_colour(sys.stdout)))
    return 0


def _node_data(session: Session) -> dict[str, Any]:
    """Return what the named hypervisor says of the node, or without one what Linux says."""
    if session.wanted:
        return {"hypervisor": session.wanted, **session.host.hypervisor(session.wanted).get_node_info().to_dict()}
    from hvcore.system.node import linux_node_info

    return {"hypervisor": None, **linux_node_info().to_dict()}


def _files(session: Session, _: Arguments) -> int:
    from hvcore.cli.output import print_json, warn

    found: list[dict[str, Any]] = []
    for name, answer in session.ask_each(lambda hypervisor: hypervisor.get_ancillary_files()):
        if isinstance(answer, HypervisorError):
            warn(f"{name} cannot name its files: {answer}")
        else:
            found += _look_at(name, answer)
    if session.as_json:
        print_json(found)
    elif found:
        rows = [
            (
                file["hypervisor"],
                file["path"],
                "optional" if file["optional"] else "needed",
                Cell("present", "green") if file["present"] else Cell("absent", None if file["optional"] else "red"),
                file["sha256"] or "-",
            )
            for file in found
        ]
        print(render_table(("HYPERVISOR", "PATH", "NEED", "STATE", "SHA256"), rows, use_colour(sys.stdout)))
    else:
        print("no hypervisor has files that must be alike on all nodes")
    return 0


def _look_at(hypervisor: str, files: AncillaryFiles) -> list[dict[str, Any]]:
    return [
        {
            "hypervisor": hypervisor,
            "path": path,
            "optional": path in files.optional,
            "present": os.path.lexists(path),
            "sha256": _digest(path),
        }
        for path in sorted(files.paths)
    ]


def _digest(path: str) -> str | None:
    """Return the checksum of a file, or None when there is none to read."""
    import hashlib

    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    except OSError as error:
        from hvcore.cli.output import warn

        warn(f"{path} cannot be read: {error.strerror}")
        return None


COMMANDS = {"node": Command(no_arguments, _node), "files": Command(no_arguments, _files)}
