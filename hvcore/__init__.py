"""A pluggy-based hypervisor framework.

``hvcore.load()`` returns the host; ``host.hypervisor("lxc")`` a hypervisor with the whole contract as typed verbs. Plugin
authors import ``hvcore.plugin``. Names are imported when they are first used, so that importing hvcore costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hvcore import aio as aio
    from hvcore.discovery import Selection as Selection
    from hvcore.errors import HypervisorError as HypervisorError
    from hvcore.errors import InvalidInput as InvalidInput
    from hvcore.errors import Unsupported as Unsupported
    from hvcore.host import Host as Host
    from hvcore.host import load as load
    from hvcore.hypervisor import Hypervisor as Hypervisor
    from hvcore.model.console import InstanceConsole as InstanceConsole
    from hvcore.model.disk import BlockDevice as BlockDevice
    from hvcore.model.disk import Disk as Disk
    from hvcore.model.info import InstanceInfo as InstanceInfo
    from hvcore.model.instance import Instance as Instance
    from hvcore.model.migration import MigrationStatus as MigrationStatus
    from hvcore.model.nic import Nic as Nic
    from hvcore.model.node import Node as Node
    from hvcore.model.node import NodeInfo as NodeInfo
    from hvcore.model.parameters import Parameter as Parameter
    from hvcore.model.state import InstanceState as InstanceState
    from hvcore.model.verify import VerifyReport as VerifyReport
    from hvcore.settings import Settings as Settings
    from hvcore.system.node import linux_node_info as linux_node_info
    from hvcore.system.power import linux_powercycle as linux_powercycle

__version__ = "0.1.0"

_HOMES = {
    "BlockDevice": "hvcore.model.disk",
    "Disk": "hvcore.model.disk",
    "Host": "hvcore.host",
    "Hypervisor": "hvcore.hypervisor",
    "HypervisorError": "hvcore.errors",
    "Instance": "hvcore.model.instance",
    "InstanceConsole": "hvcore.model.console",
    "InstanceInfo": "hvcore.model.info",
    "InstanceState": "hvcore.model.state",
    "InvalidInput": "hvcore.errors",
    "MigrationStatus": "hvcore.model.migration",
    "Nic": "hvcore.model.nic",
    "Node": "hvcore.model.node",
    "NodeInfo": "hvcore.model.node",
    "Parameter": "hvcore.model.parameters",
    "Selection": "hvcore.discovery",
    "Settings": "hvcore.settings",
    "Unsupported": "hvcore.errors",
    "VerifyReport": "hvcore.model.verify",
    "linux_node_info": "hvcore.system.node",
    "linux_powercycle": "hvcore.system.power",
    "load": "hvcore.host",
}

__all__ = [
    "BlockDevice",
    "Disk",
    "Host",
    "Hypervisor",
    "HypervisorError",
    "Instance",
    "InstanceConsole",
    "InstanceInfo",
    "InstanceState",
    "InvalidInput",
    "MigrationStatus",
    "Nic",
    "Node",
    "NodeInfo",
    "Parameter",
    "Selection",
    "Settings",
    "Unsupported",
    "VerifyReport",
    "__version__",
    "aio",
    "linux_node_info",
    "linux_powercycle",
    "load",
]


# Checkers read the imports above, so a misspelt name is an error to them.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name == "aio":
            return import_module("hvcore.aio")
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

        value = getattr(import_module(home), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
