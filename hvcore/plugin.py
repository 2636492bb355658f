"""What a plugin author imports.

A hypervisor is two files: a driver that inherits ``BaseHypervisor`` and marks its answers with ``@hookimpl``, and a
``HypervisorPlugin`` that an entry point of the group ``hvcore.hypervisors`` names::

    [project.entry-points."hvcore.hypervisors"]
    mine = "my_package.plugin:plugin"

An extension of one hypervisor is an object with ``@hookimpl`` methods, named by an entry point of
``hvcore.<hypervisor>``; an extension of all of them is named by one of ``hvcore.all``. It states the contract that it was
written for in its attribute ``hvcore_contract``. ``Extension`` wraps it when its order matters.

The contract's values can be imported from here, too. They are loaded when they are first used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from attrs import field, frozen

from hvcore.base import BaseHypervisor
from hvcore.context import DriverContext
from hvcore.markers import hookimpl
from hvcore.scope import Scope
from hvcore.spec.kinds import Deprecation, Kind, choose, collect, command, notify
from hvcore.spec.versions import CONTRACT_VERSION, ContractWarning, speaks

if TYPE_CHECKING:
    from hvcore.calling import current_hypervisor
    from hvcore.contract import ContractHook, contract_hooks
    from hvcore.journaled import JournaledLifecycle
    from hvcore.model.capability import Capability, Support
    from hvcore.model.console import ConsoleKind, InstanceConsole
    from hvcore.model.devices import DeviceAction, DeviceType, HotplugExtra
    from hvcore.model.disk import BlockDevice, Disk, DiskKind
    from hvcore.model.execution import ExecRequest, ExecResult
    from hvcore.model.files import AncillaryFiles
    from hvcore.model.info import InstanceInfo
    from hvcore.model.instance import Instance
    from hvcore.model.migration import MigrationStatus
    from hvcore.model.nic import Nic, NicMode
    from hvcore.model.node import Node, NodeInfo
    from hvcore.model.parameters import Check, Parameter, ParameterType, ParameterValue
    from hvcore.model.plan import PlanStep, StartPlan
    from hvcore.model.recovery import Recovery, RecoveryReport
    from hvcore.model.state import InstanceState
    from hvcore.model.verify import Finding, VerifyReport, VerifyStatus
    from hvcore.spec.console import ConsoleSpec
    from hvcore.spec.devices import DevicesSpec
    from hvcore.spec.files import FilesSpec
    from hvcore.spec.inventory import InventorySpec
    from hvcore.spec.lifecycle import LifecycleSpec
    from hvcore.spec.migration import MigrationSpec
    from hvcore.spec.node import NodeSpec
    from hvcore.spec.notices import NoticesSpec
    from hvcore.spec.params import ParamsSpec

__all__ = [
    "CONTRACT_VERSION",
    "AncillaryFiles",
    "BaseHypervisor",
    "BlockDevice",
    "Capability",
    "Check",
    "ConsoleKind",
    "ConsoleSpec",
    "ContractHook",
    "ContractWarning",
    "Deprecation",
    "DeviceAction",
    "DeviceType",
    "DevicesSpec",
    "Disk",
    "DiskKind",
    "DriverContext",
    "ExecRequest",
    "ExecResult",
    "Extension",
    "FilesSpec",
    "Finding",
    "HotplugExtra",
    "HypervisorPlugin",
    "Instance",
    "InstanceConsole",
    "InstanceInfo",
    "InstanceState",
    "InventorySpec",
    "JournaledLifecycle",
    "Kind",
    "LifecycleSpec",
    "MigrationSpec",
    "MigrationStatus",
    "Nic",
    "NicMode",
    "Node",
    "NodeInfo",
    "NodeSpec",
    "NoticesSpec",
    "Parameter",
    "ParameterType",
    "ParameterValue",
    "ParamsSpec",
    "PlanStep",
    "Recovery",
    "RecoveryReport",
    "Scope",
    "StartPlan",
    "Support",
    "VerifyReport",
    "VerifyStatus",
    "choose",
    "collect",
    "command",
    "contract_hooks",
    "current_hypervisor",
    "hookimpl",
    "notify",
    "speaks",
]

_HOMES = {
    "ConsoleSpec": "hvcore.spec.console",
    "DevicesSpec": "hvcore.spec.devices",
    "FilesSpec": "hvcore.spec.files",
    "InventorySpec": "hvcore.spec.inventory",
    "LifecycleSpec": "hvcore.spec.lifecycle",
    "MigrationSpec": "hvcore.spec.migration",
    "NodeSpec": "hvcore.spec.node",
    "NoticesSpec": "hvcore.spec.notices",
    "ParamsSpec": "hvcore.spec.params",
    "AncillaryFiles": "hvcore.model.files",
    "BlockDevice": "hvcore.model.disk",
    "Capability": "hvcore.model.capability",
    "Check": "hvcore.model.parameters",
    "ConsoleKind": "hvcore.model.console",
    "ContractHook": "hvcore.contract",
    "DeviceAction": "hvcore.model.devices",
    "DeviceType": "hvcore.model.devices",
    "Disk": "hvcore.model.disk",
    "DiskKind": "hvcore.model.disk",
    "ExecRequest": "hvcore.model.execution",
    "ExecResult": "hvcore.model.execution",
    "Finding": "hvcore.model.verify",
    "HotplugExtra": "hvcore.model.devices",
    "Instance": "hvcore.model.instance",
    "InstanceConsole": "hvcore.model.console",
    "InstanceInfo": "hvcore.model.info",
    "InstanceState": "hvcore.model.state",
    "JournaledLifecycle": "hvcore.journaled",
    "MigrationStatus": "hvcore.model.migration",
    "Nic": "hvcore.model.nic",
    "NicMode": "hvcore.model.nic",
    "Node": "hvcore.model.node",
    "NodeInfo": "hvcore.model.node",
    "Parameter": "hvcore.model.parameters",
    "ParameterType": "hvcore.model.parameters",
    "ParameterValue": "hvcore.model.parameters",
    "PlanStep": "hvcore.model.plan",
    "Recovery": "hvcore.model.recovery",
    "RecoveryReport": "hvcore.model.recovery",
    "StartPlan": "hvcore.model.plan",
    "Support": "hvcore.model.capability",
    "VerifyReport": "hvcore.model.verify",
    "VerifyStatus": "hvcore.model.verify",
    "contract_hooks": "hvcore.contract",
    "current_hypervisor": "hvcore.calling",
}

# Checkers read the imports above, so a misspelt name is an error to them.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from hvcore.late import load_late

        return load_late(__name__, _HOMES, name)


def _no_defaults(_context: DriverContext) -> Sequence[object]:
    return ()


def _names(value: Iterable[str]) -> tuple[str, ...]:
    # One name alone is meant as one, not as its letters.
    return (value,) if isinstance(value, str) else tuple(value)


@frozen(eq=False)
class HypervisorPlugin:
    """A hypervisor, as its entry point hands it over.

    Attributes:
        name: the hypervisor's name; the entry point has the same.
        summary: what it is, in one line.
        driver: makes the driver; called once per scope, after discovery, and must only store its argument.
        steps: further spec classes that only this hypervisor's extensions know.
        defaults: makes the default answers to ``steps``; they are asked after every extension.
        contract: the version of the contract that the driver was written for, such as ``"1.0"``; None is taken as the first.
    """

    name: str
    summary: str
    driver: Callable[[DriverContext], BaseHypervisor]
    steps: tuple[type, ...] = ()
    defaults: Callable[[DriverContext], Sequence[object]] = _no_defaults
    contract: str | None = None


@frozen(eq=False)
class Extension:
    """An extension together with its place among the others.

    Attributes:
        implementation: the object with the ``@hookimpl`` methods.
        before: names of extensions that are asked after this one.
        after: names of extensions that are asked before this one.
        contract: the version of the contract that it was written for; None leaves it to the object's ``hvcore_contract``.
    """

    implementation: object
    before: tuple[str, ...] = field(default=(), converter=_names)
    after: tuple[str, ...] = field(default=(), converter=_names)
    contract: str | None = None
