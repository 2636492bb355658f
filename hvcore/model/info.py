"""What the kernel says of an instance."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from hvcore.model.state import InstanceState

__all__ = ["InstanceInfo"]


@frozen
class InstanceInfo:
    """A running or paused instance. A listing makes one for each, so nothing is checked here.

    Attributes:
        name: its name.
        hypervisor: the hypervisor that runs it.
        state: its state.
        memory_mib: the memory it may have, in MiB.
        vcpus: the CPUs it may use.
        cpu_seconds: the CPU time it has used, in seconds.
        pid: the process id of its init on the node, or None.
        memory_used_mib: the memory it uses, in MiB, or None where that is not known.
        processes: how many processes it has, or None where that is not known.

    Source: Ganeti ``GetInstanceInfo``.
    """

    name: str
    hypervisor: str
    state: InstanceState
    memory_mib: int
    vcpus: int
    cpu_seconds: float
    pid: int | None = None
    memory_used_mib: int | None = None
    processes: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data with stable keys, in the order of the fields, ready for JSON."""
        return {
            "name": self.name,
            "hypervisor": self.hypervisor,
            "state": str(self.state),
            "memory_mib": self.memory_mib,
            "vcpus": self.vcpus,
            "cpu_seconds": self.cpu_seconds,
            "pid": self.pid,
            "memory_used_mib": self.memory_used_mib,
            "processes": self.processes,
        }
